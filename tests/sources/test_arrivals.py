"""One thread watches the folders of all sources, and names the one in which a file became whole."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue

from syncd.clock import SystemClock
from syncd.sources import Arrivals, WatchedFolder, arrivals
from syncd.sources.arrivals import watch_folders
from tests.planted_bugs import planted


@contextmanager
def watching(**folders: WatchedFolder) -> Iterator[SimpleQueue[str]]:
    """The names that the watch yields, as they come."""
    named, stop = SimpleQueue[str](), threading.Event()

    def run() -> None:
        for name in watch_folders(folders, SystemClock(), stop):
            named.put(name)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield named
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def until_named(named: SimpleQueue[str], name: str) -> None:
    while named.get(timeout=20) != name:
        pass


def folder(path: Path, settle_s: float = 3600.0) -> WatchedFolder:
    path.mkdir(exist_ok=True)
    return WatchedFolder(path, timedelta(seconds=settle_s), Arrivals())


def test_the_folder_in_which_a_file_was_closed_is_named_and_no_other(tmp_path: Path) -> None:
    first, second = folder(tmp_path / "first"), folder(tmp_path / "second")
    with watching(first=first, second=second) as named:
        assert {named.get(timeout=20), named.get(timeout=20)} == {"first", "second"}, "what was there before"
        file = second.path / "day.csv"
        file.write_text("a")
        assert named.get(timeout=20) == "second"
        found = file.stat()
        assert second.arrivals.closed(file, found.st_size, found.st_mtime_ns)
        assert not first.arrivals.closed(first.path / "day.csv", found.st_size, found.st_mtime_ns)
        assert named.empty()


def test_two_sources_that_read_one_folder_are_both_named(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "inbox"), folder(tmp_path / "inbox")
    with watching(one=one, other=other) as named:
        assert {named.get(timeout=20), named.get(timeout=20)} == {"one", "other"}
        (one.path / "day.csv").write_text("a")
        assert {named.get(timeout=20), named.get(timeout=20)} == {"one", "other"}


def test_a_file_that_stays_open_is_named_once_it_has_settled_while_another_folder_is_busy(tmp_path: Path) -> None:
    busy, slow = folder(tmp_path / "busy"), folder(tmp_path / "slow", settle_s=0.6)
    over = threading.Event()

    def write_on() -> None:
        number = 0
        while not over.wait(0.02):
            (busy.path / f"{number}").write_text("a")
            number += 1

    with watching(busy=busy, slow=slow) as named:
        assert {named.get(timeout=20), named.get(timeout=20)} == {"busy", "slow"}
        until_named(named, "slow")  # what lay there at the start has settled
        writer = threading.Thread(target=write_on)
        writer.start()
        try:
            with (slow.path / "open.csv").open("w") as file:
                file.write("a")
                file.flush()
                until_named(named, "slow")
        finally:
            over.set()
            writer.join()


def test_a_folder_that_comes_later_or_comes_back_is_watched_again(tmp_path: Path) -> None:
    here, late = folder(tmp_path / "here"), folder(tmp_path / "late")
    late.path.rmdir()
    with planted(arrivals, "_MISSING_AGAIN_S", 0.1), watching(here=here, late=late) as named:
        until_named(named, "here")
        late.path.mkdir()
        until_named(named, "late")
        shutil.rmtree(here.path)
        here.path.mkdir()
        until_named(named, "here")
        (here.path / "day.csv").write_text("a")
        until_named(named, "here")
