"""What pauses a store, what is tried before it opens again, and who sees it."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.bigcommerce import Barred, Refused, Reply
from syncd.ledger import State, Verb
from syncd.push import Circuit
from syncd.push.decide import Stumble, Well
from tests.heart.telling import decide, one, shop
from tests.model.simulation import POLICY, Fate, Shop

__all__ = ["shop"]  # the fixture

HOUR = 120
FORBIDDEN = Reply(Barred(403, "forbidden"), 403)


class Firewall:
    """A store behind a firewall that answers 403 to some sales, or to every one."""

    def __init__(self, patch: pytest.MonkeyPatch, shop: Shop, *keys: str, answer: Reply = FORBIDDEN) -> None:
        self.keys, self.met, self.on, self._answer = set(keys), 0, True, answer
        self._create = shop.store.create
        patch.setattr(shop.store, "create", self.create)

    def create(self, body: Any, how: Any) -> Reply:
        if self.on and (not self.keys or body["external_order_id"] in self.keys):
            self.met += 1
            return self._answer
        return self._create(body, how)


def paused(shop: Shop) -> str | None:
    return shop.worker.ledger.store_state("main").paused_why


def pass_an_hour(shop: Shop) -> None:
    for _ in range(HOUR):
        shop.pass_time(30)
        shop.push()


@pytest.mark.parametrize(
    "answer",
    [
        FORBIDDEN,
        Reply(Barred(401, "unauthorized"), 401),
        Reply(Refused(404, "no such store"), 404),
        Reply(Refused(402, "payment required"), 402),
    ],
    ids=["403", "401", "404", "402"],
)
def test_a_store_that_refuses_sales_and_lets_itself_be_read_gets_ever_rarer_trials(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, answer: Reply
) -> None:
    wall = Firewall(monkeypatch, shop, answer=answer)
    shop.record(*[one(f"s{number}") for number in range(20)])
    pass_an_hour(shop)
    assert paused(shop)
    assert wall.met < 20, "an hour of refused sales"  # eight at once, then a trial after 30 s, 1, 2, 4, 8, 15 minutes
    assert {shop.state(f"s{number}") for number in range(20)} == {State.PENDING}
    wall.on = False
    pass_an_hour(shop)
    assert not paused(shop)
    assert {shop.state(f"s{number}") for number in range(20)} == {State.SYNCED}


def test_one_sale_that_a_firewall_refuses_is_its_own_fault_and_stops_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Firewall(monkeypatch, shop, "till:s3")
    shop.record(*[one(f"s{number}") for number in range(6)])
    for _ in range(10):
        shop.pass_time(3)
        shop.push()
    assert shop.state("s3") is State.REJECTED
    refused = shop.worker.ledger.sale("till:s3")
    assert refused is not None
    assert "firewall" in refused.why
    assert "syncd retry till:s3" in refused.cure
    assert wall.met <= 3
    assert {shop.state(f"s{number}") for number in range(6) if number != 3} == {State.SYNCED}
    assert paused(shop) is None


def test_a_lone_sale_that_is_refused_pauses_the_store_so_that_somebody_hears_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    Firewall(monkeypatch, shop, "till:a")
    shop.record(one())
    pass_an_hour(shop)
    assert shop.state("a") is State.PENDING
    assert "403" in (paused(shop) or "")
    shop.record(one("b"))  # the next sale shows whose fault it is
    pass_an_hour(shop)
    assert (shop.state("a"), shop.state("b")) == (State.REJECTED, State.SYNCED)
    assert paused(shop) is None


def test_a_trial_is_one_sale_and_the_others_wait_for_what_becomes_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Firewall(monkeypatch, shop, answer=Reply(Barred(401, "no"), 401))
    shop.record(*[one(f"s{number}") for number in range(20)])
    shop.push()
    before = wall.met
    shop.pass_time(31)
    shop.push()
    assert wall.met == before + 1


def test_doubts_are_settled_while_a_store_refuses_only_sales(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.record(one("lost"))
    shop.push("lost after")
    assert shop.state("lost") is State.UNKNOWN
    Firewall(monkeypatch, shop, answer=Reply(Barred(401, "no"), 401))
    shop.record(one("b"))
    shop.push()
    assert paused(shop)
    for _ in range(20):
        shop.pass_time(31)
        shop.push()
    assert shop.state("lost") is State.SYNCED


def test_a_store_whose_answers_were_lost_opens_once_they_are_found_and_waits_for_no_sale_to_show_it(shop: Shop) -> None:
    shop.record(*[one(f"s{number}") for number in range(5)])
    lost: list[Fate] = ["lost after"] * 5  # enough for a pause, and none is left for a trial
    shop.push(*lost)
    assert "in a row failed" in (paused(shop) or "")
    shop.rest()
    assert {shop.state(f"s{number}") for number in range(5)} == {State.SYNCED}
    assert paused(shop) is None


def test_so_it_does_when_it_could_not_even_be_read_in_between(shop: Shop) -> None:
    shop.record(*[one(f"s{number}") for number in range(5)])
    lost: list[Fate] = ["lost after"] * 5  # enough for a pause, and none is left for a trial
    shop.push(*lost)
    shop.store.down = True
    shop.rest()
    assert "away" in (paused(shop) or "")
    shop.store.down = False
    pass_an_hour(shop)
    assert {shop.state(f"s{number}") for number in range(5)} == {State.SYNCED}
    assert paused(shop) is None


def test_a_store_that_refused_sales_stays_paused_until_one_was_taken(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    Firewall(monkeypatch, shop, answer=Reply(Barred(401, "no"), 401))
    shop.record(one())
    shop.push()
    decide(shop, Verb.SKIP)
    shop.rest()
    assert "401" in (paused(shop) or "")


# Seen by every process


def circuits(shop: Shop) -> tuple[Circuit, Circuit]:
    one_, two = (Circuit("main", shop.worker.ledger, POLICY, shop.clock) for _ in range(2))
    return one_, two


def test_a_pause_that_another_process_wrote_is_seen_and_so_is_its_end(shop: Shop) -> None:
    mine, theirs = circuits(shop)
    assert not mine.paused
    for _ in range(5):
        theirs.apply(Stumble("timed out", by="read"))
    shop.pass_time(2)
    assert mine.paused
    assert mine.admits(lambda: None) == 0
    shop.pass_time(40)
    assert theirs.admits(lambda: None) > 1  # a read failed, and now a read went well
    shop.pass_time(2)
    assert not mine.paused
    assert mine.admits(lambda: None) > 1


def test_a_ledger_that_cannot_be_written_leaves_a_store_paused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, _ = circuits(shop)
    for _ in range(5):
        mine.apply(Stumble("timed out", by="read"))
    shop.pass_time(40)

    def full(_store: str) -> None:
        raise OSError("no space")

    monkeypatch.setattr(shop.worker.ledger, "clear_pause", full)
    with pytest.raises(OSError, match="no space"):
        mine.admits(lambda: None)
    assert mine.paused
    monkeypatch.undo()
    assert mine.admits(lambda: None) > 1
    mine.apply(Well())
