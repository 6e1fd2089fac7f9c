"""What pauses a store, what is tried before it opens again, and who sees it."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.bigcommerce.outcome import Barred, Refused, Reply
from syncd.errors import LedgerError
from syncd.push.worker.circuit_breaker import CircuitBreaker
from syncd.push.worker.outcome_policy import Failure, Success
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from tests.databases import writes_refused
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
    return shop.worker.ledger.stores.get("main").paused_why


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
    refused = shop.worker.ledger.sales.get("till:s3")
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


def circuits(shop: Shop) -> tuple[CircuitBreaker, CircuitBreaker]:
    one_, two = (CircuitBreaker("main", shop.worker.ledger, POLICY, shop.clock) for _ in range(2))
    return one_, two


def test_a_pause_that_another_process_wrote_is_seen_and_so_is_its_end(shop: Shop) -> None:
    mine, theirs = circuits(shop)
    assert not mine.paused
    for _ in range(5):
        theirs.apply(Failure("timed out", by="read"))
    shop.pass_time(2)
    assert mine.paused
    assert mine.permits(lambda: None) == 0
    shop.pass_time(40)
    assert theirs.permits(lambda: None) > 1  # a read failed, and now a read went well
    shop.pass_time(2)
    assert not mine.paused
    assert mine.permits(lambda: None) > 1


def test_a_ledger_that_cannot_be_written_leaves_a_store_paused(shop: Shop) -> None:
    mine, _ = circuits(shop)
    for _ in range(5):
        mine.apply(Failure("timed out", by="read"))
    shop.pass_time(40)
    with writes_refused(shop.file, "update on stores"):
        with pytest.raises(LedgerError, match="refused by the test"):
            mine.permits(lambda: None)
        assert mine.paused
    assert mine.permits(lambda: None) > 1
    mine.apply(Success())


# Refusals that are the store's


@pytest.mark.parametrize(
    "words", ["The field 'channel_id' is missing or disconnected.", "The field 'default_currency_code' is invalid."]
)
def test_a_channel_or_a_currency_that_the_store_no_longer_takes_pauses_it_and_rejects_no_sale(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    wall = Firewall(monkeypatch, shop, answer=Reply(Refused(400, words), 400))
    shop.record(*[one(f"s{number}") for number in range(12)])
    pass_an_hour(shop)
    assert words in (paused(shop) or "")
    assert wall.met < 12
    assert {shop.state(f"s{number}") for number in range(12)} == {State.PENDING}
    wall.on = False
    pass_an_hour(shop)
    assert {shop.state(f"s{number}") for number in range(12)} == {State.SYNCED}


def test_a_channel_of_one_location_that_is_disconnected_stops_its_own_sales_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = Reply(Refused(400, "The field 'channel_id' is missing or disconnected."), 400)
    Firewall(monkeypatch, shop, "till:s1", answer=no)
    shop.record(*[one(f"s{number}") for number in range(4)])
    pass_an_hour(shop)
    assert {name: shop.state(name) for name in ("s0", "s1", "s2", "s3")} == {
        "s0": State.SYNCED,
        "s1": State.REJECTED,
        "s2": State.SYNCED,
        "s3": State.SYNCED,
    }
    assert paused(shop) is None


def test_the_same_refusal_for_sale_after_sale_pauses_the_store_and_the_rest_stay_pending(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Firewall(monkeypatch, shop, answer=Reply(Refused(422, "Order 17: the plan does not allow this."), 422))
    shop.record(*[one(f"s{number}") for number in range(20)])
    pass_an_hour(shop)
    assert "5 sales in a row were refused in the same words" in (paused(shop) or "")
    assert wall.met < 16, "an hour of trials"
    states = [shop.state(f"s{number}") for number in range(20)]
    assert (states.count(State.REJECTED), states.count(State.PENDING)) == (2, 18)
    shop.restart()
    pass_an_hour(shop)  # another process knows for which words it was paused
    assert [shop.state(f"s{number}") for number in range(20)].count(State.REJECTED) == 2
    wall.on = False
    pass_an_hour(shop)
    assert paused(shop) is None
    assert [shop.state(f"s{number}") for number in range(20)].count(State.SYNCED) == 18


def test_refusals_with_a_yes_between_them_or_of_what_is_a_sales_own_are_each_sales_fault(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = [f"till:s{number}" for number in range(1, 12, 2)]
    Firewall(monkeypatch, shop, *odd, answer=Reply(Refused(422, "no"), 422))
    shop.record(*[one(f"s{number}") for number in range(12)])
    pass_an_hour(shop)
    assert {shop.state(key.removeprefix("till:")) for key in odd} == {State.REJECTED}
    assert paused(shop) is None
    monkeypatch.undo()
    Firewall(monkeypatch, shop, answer=Reply(Refused(400, "The field 'billing_address.zip' is invalid."), 400))
    shop.record(*[one(f"t{number}") for number in range(8)])
    pass_an_hour(shop)
    assert {shop.state(f"t{number}") for number in range(8)} == {State.REJECTED}
    assert paused(shop) is None
