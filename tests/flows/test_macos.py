"""syncd on macOS: what only Linux has is taken away, and the main job is done all the same; Windows is refused in words."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.cli.launch import main
from syncd.clock import SystemClock
from syncd.service.sdnotify import notify
from syncd.sources.arrivals import Arrivals, WatchedFolder, watch_folders
from syncd.sources.csv import workbook
from tests.planted_bugs import planted
from tests.shop import Shop

REPOSITORY = Path(__file__).parents[2]
SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "200ms"\nevery = "1h"\n'


def _words(*words: str) -> list[str]:
    return [sys.executable, "-m", "tests.like_macos", *words]


def _env(shop: Shop) -> dict[str, str]:
    return {**shop.env, "PYTHONPATH": str(REPOSITORY)}


def _run(shop: Shop, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _words(*words), env=_env(shop), cwd=shop.folder, capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def _daemon(shop: Shop) -> Iterator[subprocess.Popen[bytes]]:
    with (shop.folder / "daemon.log").open("ab") as log:
        process = subprocess.Popen(_words("run"), stdout=log, stderr=log, env=_env(shop), cwd=shop.folder)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _until(shop: Shop, what: object) -> None:
    assert callable(what)
    for _ in range(600):
        if what():
            return
        threading.Event().wait(0.1)
    raise AssertionError((shop.folder / "daemon.log").read_text()[-3000:])


def test_the_daemon_notices_a_file_and_makes_its_order_without_what_only_linux_has(shop: Shop) -> None:
    from syncd.testing.orders import sale

    shop.configure(SOURCES)
    with _daemon(shop) as process:
        _until(shop, lambda: "daemon_started" in (shop.folder / "daemon.log").read_text())
        shop.drop("sales.jsonl", sale(source="till", sale_id="a").to_json() + "\n")
        _until(shop, lambda: len(shop.store.orders()) == 1)  # the poll comes once an hour
        assert _run(shop, "status", "--healthy").returncode == 0
        assert "1" in _run(shop, "status").stdout
        process.kill()
        process.wait()
    stopped = _run(shop, "status", "--healthy")
    assert stopped.returncode != 0
    assert "no daemon is running" in stopped.stdout + stopped.stderr


def test_every_command_opens_the_ledger_without_what_only_linux_has(shop: Shop) -> None:
    shop.configure(SOURCES)
    for words in (("sync",), ("status",), ("sales",), ("check",), ("ledger", "verify"), ("sources", "list")):
        done = _run(shop, *words)
        assert done.returncode in (0, 1), (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_boot_is_named_by_macos_where_proc_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.clock._BOOT_ID", Path("/there/is/none"))
    monkeypatch.setattr("syncd.clock._BOOT_ID_OF_MACOS", ("/bin/echo", "UUID-OF-THE-BOOT"))
    first, second = SystemClock().elapsed(), SystemClock().elapsed()
    assert first.boot_id == "UUID-OF-THE-BOOT"
    assert (second.since(first) or -1) >= 0


def test_where_no_boot_is_named_each_process_is_a_boot_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.clock._BOOT_ID", Path("/there/is/none"))
    monkeypatch.setattr("syncd.clock._BOOT_ID_OF_MACOS", ("/bin/false",))
    first, second = SystemClock().elapsed(), SystemClock().elapsed()
    assert first.boot_id.startswith(f"process-{os.getpid()}-")
    assert second.since(first) is None


def test_a_folder_is_watched_without_inotify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inotify_simple", None)
    stop = threading.Event()
    turns = _watched(tmp_path, stop)
    next(turns)  # what was there before
    next(turns)  # and once what was being written then has settled
    threading.Timer(0.3, lambda: (tmp_path / "day.csv").write_text("a")).start()
    next(turns)
    assert (tmp_path / "day.csv").exists()
    stop.set()
    assert list(turns) == []


def test_a_folder_that_is_not_there_leaves_it_to_the_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inotify_simple", None)
    assert list(_watched(tmp_path / "gone", threading.Event())) == []


def _watched(folder: Path, stop: threading.Event) -> Iterator[str]:
    return watch_folders({"till": WatchedFolder(folder, timedelta(milliseconds=100), Arrivals())}, SystemClock(), stop)


def test_an_abstract_socket_that_the_system_does_not_have_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "@there-is-nobody")
    assert notify("READY=1") is False


def _unbounded_reader(tmp_path: Path) -> Path:
    """A reader of workbooks on a system that bounds no memory."""
    text = (REPOSITORY / "syncd/sources/csv/workbook_rows.py").read_text(encoding="utf-8")
    begin = "        resource.setrlimit(resource.RLIMIT_AS"
    assert begin in text
    path = tmp_path / "reader.py"
    path.write_text(text.replace(begin, f"        raise ValueError\n{begin}", 1), encoding="utf-8")
    return path


def test_a_workbook_is_read_where_memory_cannot_be_bounded(tmp_path: Path) -> None:
    from syncd.sources.csv.kinds import FileKind

    how = (FileKind.WORKBOOK, ".", "")
    file = REPOSITORY / "tests/fixtures/two-sales.xls"
    with workbook._rows_of(file, how) as rows:
        bounded = list(rows)
    with planted(workbook, "_READER", _unbounded_reader(tmp_path)), workbook._rows_of(file, how) as rows:
        assert list(rows) == bounded
    assert len(bounded) > 2


def test_a_workbook_that_needs_too_much_memory_is_ended_where_memory_cannot_be_bounded(tmp_path: Path) -> None:
    from syncd.sources.csv.kinds import FileKind
    from syncd.sources.csv.rows import UnreadableFile

    reader = _unbounded_reader(tmp_path)
    greedy = reader.read_text(encoding="utf-8").replace(
        "def workbook_rows(file: str, mark: str) -> None:\n",
        "def workbook_rows(file: str, mark: str) -> None:\n    kept = []\n    while True:\n"
        "        sys.stdout.flush()\n        kept.append(bytearray(1 << 20))\n        kept[-1][:] = b'x' * (1 << 20)\n",
        1,
    )
    reader.write_text(greedy, encoding="utf-8")
    file = REPOSITORY / "tests/fixtures/two-sales.xls"
    with (
        planted(workbook, "_READER", reader),
        planted(workbook, "_MEGABYTES", 60),
        workbook._rows_of(file, (FileKind.WORKBOOK, ".", "")) as rows,
        pytest.raises(UnreadableFile, match="more than 60 MB of memory"),
    ):
        list(rows)


@pytest.mark.parametrize("system", ["win32", "cygwin"])
def test_windows_is_refused_in_words_that_name_what_works(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(system)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "Windows" in said
    assert "Docker Desktop" in said
    assert "Windows Subsystem for Linux" in said


def test_the_readmes_first_lines_name_the_systems() -> None:
    head = "\n".join((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()[:12])
    assert "Linux and macOS" in head
    assert "Docker Desktop" in head
    assert "WSL" in head
