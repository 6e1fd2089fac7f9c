"""The stores that a process holds: made on demand, bounded in number, made anew where their settings changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from syncd.config import StoreSettings
from syncd.ledger import Ledger
from syncd.stores import Environment, StoreShelf
from syncd.testing.clocks import ManualClock
from tests.databases import put_empty_ledger
from tests.deciders import DECIDER

ADDRESS = {"street_1": "1 Main St", "city": "Austin", "state": "Texas", "zip": "78701", "country_iso2": "US"}


def settings(name: str, share: float = 0.5) -> StoreSettings:
    return StoreSettings.model_validate(
        {"store_hash": name, "token": {"env": "T"}, "quota_share": share, "default_address": ADDRESS}
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    put_empty_ledger(tmp_path / "ledger.db")
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", ManualClock(), DECIDER) as opened:
        yield opened


@pytest.fixture
def shelf(ledger: Ledger, tmp_path: Path) -> StoreShelf:
    named = {name: settings(name) for name in "abcd"}
    return StoreShelf(named, ledger, Environment(ManualClock(), tmp_path, threading.Event()), most=2)


def test_a_store_is_made_once_and_one_that_nobody_configured_never(shelf: StoreShelf) -> None:
    assert shelf["a"] is shelf["a"]
    assert list(shelf) == ["a", "b", "c", "d"]
    assert "a" in shelf
    assert "e" not in shelf
    with pytest.raises(KeyError):
        shelf["e"]


def test_those_that_were_used_last_are_kept_and_one_in_use_always(shelf: StoreShelf) -> None:
    with shelf.borrowed("a") as first:
        for name in "bcd":
            with shelf.borrowed(name):
                pass
        assert shelf["a"] is first, "whoever uses it keeps it"
    kept = shelf["d"]
    with shelf.borrowed("b") as b:
        pass
    assert shelf["d"] is kept
    assert shelf["b"] is b
    with shelf.borrowed("c"), shelf.borrowed("a"):
        pass
    assert shelf["d"] is not kept, "it was not used for longest"


def test_a_store_whose_settings_changed_is_made_anew_and_the_others_stay(shelf: StoreShelf) -> None:
    a, b = shelf["a"], shelf["b"]
    with shelf.borrowed("c") as c:
        shelf.take_up({"a": settings("a"), "b": settings("b", 0.25), "c": settings("c", 0.25)})
        assert shelf["c"] is not c, "the next turn has the new settings"
    assert shelf["a"] is a
    assert shelf["b"] is not b
    assert shelf["b"].settings.connection.quota_share == 0.25
    assert list(shelf) == ["a", "b", "c"]


def test_many_at_once_borrow_and_give_back_and_none_is_lost(shelf: StoreShelf) -> None:
    failed: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for _ in range(200):
                with ExitStack() as held:
                    one = held.enter_context(shelf.borrowed(name))
                    assert one.name == name
        except BaseException as error:  # noqa: BLE001  told below, by the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdabcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
