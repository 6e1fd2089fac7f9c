"""Kill at every line: one sale is pushed in a process that dies at the n-th line of syncd (or of the socket's send and receive).

    python -m tests.chaos.linekill                  # n = 1, 2, ... until the push survives
    python -m tests.chaos.linekill --step 25        # every 25th
    python -m tests.chaos.linekill --naive          # with a reconciler that sends again without looking: finds duplicates

After each death another process runs to rest; then the store must hold exactly one order, and the ledger must be sound.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import syncd
from syncd import logs
from syncd.app import open_app
from syncd.canonical import Batch
from syncd.config import load
from syncd.ledger import RecordOptions
from syncd.sale.states import State
from syncd.stores import StoreServices as _Loaded  # noqa: F401  its lines of import are not the lines of a push
from syncd.testing.clocks import AheadClock
from syncd.testing.orders import sale
from tests.chaos.careless import take_out_the_safeguards
from tests.deciders import to_main
from tests.shop import CONFIG, Store, running_sandbox, wait_quiet

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\n'
_ROOT = Path(syncd.__file__).parent
_OURS, _NOT_OURS = str(_ROOT), (str(_ROOT / "sandbox"), str(_ROOT / "testing"))
_WIRE = {"send", "getresponse", "endheaders", "_send_output", "begin", "_read_status"}
_PASSES = 12
KEY = "till:1001"


@dataclass
class Tally:
    """What the deaths came to."""

    kills: int = 0
    survived_at: int | None = None
    duplicates: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    unsound: list[int] = field(default_factory=list)


def template(folder: Path, store: Store) -> None:
    """A shop whose ledger holds one sale that is due."""
    text = CONFIG.format(
        ledger="sqlite:///ledger.db", store_hash=store.store_hash, url=store.url, store="threads = 1", sources=SOURCES
    )
    (folder / "inbox").mkdir(parents=True)
    (folder / "syncd.toml").write_text(text)
    with open_app(load(folder / "syncd.toml")) as app:
        app.ledger.sales.record(Batch((sale(),), (), "c"), RecordOptions("till", to_main))


def push(folder: Path) -> None:
    """One pass."""
    with open_app(load(folder / "syncd.toml")) as app:
        store = app.stores["main"]
        with store.leased() as lease:
            store.push(lease, threading.Event())


def run_to_rest(folder: Path) -> tuple[State, list[str]]:
    """Pass after pass until the sale is synced; its state, and what ``verify`` has against the ledger."""
    clock = AheadClock()
    with open_app(load(folder / "syncd.toml"), clock) as app:
        store = app.stores["main"]
        with store.leased() as lease:
            for _ in range(_PASSES):
                store.push(lease, threading.Event())
                clock.pass_time(10)  # more than twice the settle time of CONFIG
                if (state := _state(app)) is State.SYNCED:
                    break
        return state, app.ledger.maintenance.verify()


def _state(app: Any) -> State:
    found = app.ledger.sales.get(KEY)
    assert found is not None, "the sale is not in the ledger"
    state: State = found.state
    return state


def die_at(n: int) -> Callable[..., Any]:
    """A trace function under which the process ends at the n-th line."""
    seen = 0

    def die() -> None:
        nonlocal seen
        seen += 1
        if seen == n:
            os.kill(os.getpid(), signal.SIGKILL)

    return at_each_line(die)


def at_each_line(act: Callable[[], object]) -> Callable[..., Any]:
    """A trace function that acts at each line of syncd, and of the socket's send and receive."""

    def line(_frame: FrameType, event: str, _arg: object) -> Callable[..., Any]:
        if event == "line":
            act()
        return line

    def call(frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
        file = frame.f_code.co_filename
        if file.startswith(_OURS) and not file.startswith(_NOT_OURS):
            return line
        return line if file.endswith("http/client.py") and frame.f_code.co_name in _WIRE else None

    return call


def lines_of_a_push() -> int:
    """How many lines a whole push executes, as ``die_at`` counts them."""
    logs.setup("json", "error")
    with running_sandbox() as (_, store), tempfile.TemporaryDirectory() as text:
        os.environ["FLOW_TOKEN"] = store.token
        folder, counted = Path(text) / "shop", Path(text) / "lines"
        assert in_child(lambda: template(folder, store)) == 0

        def count() -> None:
            seen: list[int] = []
            trace = at_each_line(lambda: seen.append(1))
            threading.settrace(trace)
            sys.settrace(trace)
            push(folder)
            sys.settrace(None)
            counted.write_text(str(len(seen)))

        assert in_child(count) == 0
        return int(counted.read_text())


def in_child(work: Callable[[], None]) -> int:
    """Run ``work`` in a fork; how it ended: 0, or the signal or exit code."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    try:
        work()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  a fork must never return into the caller's tests
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        os._exit(70)


def trial(made: Path, store: Store, n: int, *, careless: bool) -> tuple[bool, int, bool]:
    """Die at line n, then rest: whether it died, how many orders there are, whether the ledger is sound."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text) / "shop"
        shutil.copytree(made, folder)
        store.control("reset", {})

        def die() -> None:
            trace = die_at(n)
            threading.settrace(trace)
            sys.settrace(trace)
            push(folder)

        def rest() -> None:
            if careless:
                take_out_the_safeguards()
            state, problems = run_to_rest(folder)
            assert state is State.SYNCED, state
            assert problems == [], problems

        ended = in_child(die)
        wait_quiet(store)  # rest begins by syncd's clocks long after the death, so by the store's too
        assert ended in {0, -signal.SIGKILL}, ended
        sound = in_child(rest) == 0
        return ended != 0, len(store.orders()), sound


def loop(numbers: Iterator[int], tally: Tally, *, careless: bool = False, until_survival: bool = True) -> None:
    """Trials over a store of their own."""
    logs.setup("json", "error")
    with running_sandbox() as (_, store), tempfile.TemporaryDirectory() as text:
        os.environ["FLOW_TOKEN"] = store.token
        made = Path(text) / "template"
        maker = in_child(lambda: template(made, store))
        assert maker == 0
        for n in numbers:
            died, orders, sound = trial(made, store, n, careless=careless)
            tally.kills += died
            if orders > 1:
                tally.duplicates.append(n)
            if orders < 1:
                tally.lost.append(n)
            if not sound:
                tally.unsound.append(n)
            if not died and until_survival:
                tally.survived_at = n
                return


def main() -> None:
    """Run the loop and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--last", type=int, default=1_000_000)
    parser.add_argument("--naive", action="store_true")
    options = parser.parse_args()
    tally, begin = Tally(), time.monotonic()
    loop(iter(range(options.first, options.last, options.step)), tally, careless=options.naive)
    print(
        f"{tally.kills} kills in {time.monotonic() - begin:.0f} s, survived at line {tally.survived_at}: "
        f"{len(tally.duplicates)} duplicates, {len(tally.lost)} lost, {len(tally.unsound)} ledgers unsound"
    )
    for name in ("duplicates", "lost", "unsound"):
        if found := getattr(tally, name):
            print(f"  {name} at {found[:20]}")


if __name__ == "__main__":
    main()
