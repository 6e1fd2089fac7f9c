"""A paused store that somebody wants tried at once: the button, the command, and a token that is new in its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.daemons import until
from tests.service.pages import Served, a_sale, page_of
from tests.shop import Shop, Store

_SELDOM = {'{ env = "FLOW_TOKEN" }': '{ file = "token" }', 'probe_gap = "200ms"': 'probe_gap = "10m"'}


@pytest.fixture
def refused(tmp_path: Path, page_store: Store) -> Iterator[Served]:
    """A daemon whose token was revoked, and which tries the store again in ten minutes."""
    page_store.control("reset", {})
    (tmp_path / "token").write_text("revoked-token")
    with page_of(tmp_path, page_store, changes=_SELDOM) as found:
        found.shop.drop("sales.jsonl", a_sale("a"))
        until(lambda: "<button>Try now</button>" in found.get("/stores/main").text, "it is not paused")
        yield found


def _orders(served: Served) -> int:
    return len(served.shop.store.orders())


def test_the_button_tries_a_store_with_the_token_that_its_file_has_now(refused: Served) -> None:
    again = refused.post("/stores/main")
    assert "main is tried now" in again.text
    until(lambda: "token_renewed" not in _log(refused) and _tried(refused) > 1, "it was not tried")
    assert _orders(refused) == 0
    (refused.shop.folder / "token").write_text(refused.shop.store.token)
    refused.post("/stores/main")
    until(lambda: _orders(refused) == 1, "the new token was not taken up")
    until(lambda: "Open: sales are sent" in refused.get("/stores/main").text)
    assert "Try now" not in refused.get("/stores/main").text
    assert refused.post("/stores/main").status_code == 400, "it is not paused any more"
    assert "main is not paused" in refused.post("/stores/main").text
    assert refused.post("/stores/none").status_code == 404


def test_the_command_waits_and_says_how_it_went(refused: Served) -> None:
    done = refused.shop.run("stores", "try", "main")
    assert done.code == 3
    assert "main stays paused" in done.out
    (refused.shop.folder / "token").unlink()
    assert refused.shop.run("stores", "try", "main").code == 3
    assert "token_not_read" in _log(refused)
    (refused.shop.folder / "token").write_text(refused.shop.store.token)
    done = refused.shop.run("stores", "try", "main")
    assert (done.code, "main is open again" in done.out) == (0, True), done.out
    until(lambda: _orders(refused) == 1)
    done = refused.shop.run("stores", "try", "main")
    assert (done.code, "main is not paused" in done.err) == (2, True)


def test_without_a_daemon_the_command_says_who_tries_it(shop: Shop) -> None:
    shop.store.control("faults", {"faults": [{"kind": "401"}]})
    shop.drop("sales.jsonl", a_sale("a"))
    shop.run("sync")
    done = shop.run("stores", "try", "main")
    assert (done.code, "the next syncd sync" in done.out) == (1, True), done.out
    done = shop.run("stores", "try", "mane")
    assert (done.code, "there is no store 'mane'" in done.err) == (2, True)


def _log(served: Served) -> str:
    return (served.shop.folder / "daemon.log").read_text()


def _tried(served: Served) -> int:
    return _log(served).count("store_paused") + _log(served).count("store_still_paused")
