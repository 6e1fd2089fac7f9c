"""Outgoing events at a real receiver: signed, sent within seconds, sent again until they are taken, and never elsewhere."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from syncd.app import App, open_app
from syncd.config import load
from syncd.ledger import Alert
from syncd.service.alert_rules import Watch
from syncd.service.events import EventSender, reply_of
from syncd.service.housekeeping import keep_house
from syncd.testing.clocks import AheadClock
from tests.doubles.receiver import BREAK_OFF, EVENTS, SECRET, Came, Receiver, receiving
from tests.service.daemons import until
from tests.service.pages import FOLDER, LOCAL, Served, a_sale, held, page_of
from tests.shop import Shop, Store

_MARY = {"first_name": "Mary", "last_name": "Jones", "email": "mary@example.com", "phone": "+1 512 555 0100"}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as found:
        monkeypatch.setenv("EVENTS_URL", found.url)
        monkeypatch.setenv("EVENTS_SECRET", SECRET)
        yield found


@pytest.fixture
def telling(tmp_path: Path, page_store: Store, receiver: Receiver) -> Iterator[Served]:  # noqa: ARG001  the environment
    """A daemon that sends every event."""
    page_store.control("reset", {})
    web = LOCAL + '\nurl = "http://localhost:8788/"'
    with page_of(tmp_path, page_store, web=web, sources=FOLDER + EVENTS.format(more="")) as found:
        yield found


@dataclass
class Teller:
    """The app of a shop with events, and a clock that tests can set ahead."""

    app: App
    shop: Shop
    clock: AheadClock
    sender: EventSender

    def record(self, *names: str) -> None:
        """Have sales recorded that are held: an event each, and nothing is asked of a store."""
        self.shop.drop(f"{names[0]}.jsonl", "".join(held(name) for name in names))
        self.app.tills["till"].poll(Event())

    def send(self) -> None:
        self.sender.send_due(Event())

    @property
    def waiting(self) -> int:
        return self.app.ledger.outbox.backlog().waiting


@contextmanager
def teller_of(shop: Shop, more: str = "") -> Iterator[Teller]:
    shop.configure(FOLDER + EVENTS.format(more=more))
    os.environ["FLOW_TOKEN"] = shop.store.token
    clock = AheadClock()
    with open_app(load(shop.config), clock) as app:
        sender = EventSender(app)
        yield Teller(app, shop, clock, sender)
        sender.close()


@pytest.fixture
def teller(shop: Shop, receiver: Receiver) -> Iterator[Teller]:  # noqa: ARG001  the addresses are in the environment
    with teller_of(shop) as found:
        yield found


@pytest.fixture
def log() -> Iterator[list[EventDict]]:
    with capture_logs() as lines:
        yield lines


def names_of(came: list[Came]) -> list[str]:
    return sorted(str(one.data["sale"]).removeprefix("till:") for one in came)


def test_a_daemon_tells_what_happens_signed_and_without_names_of_people(telling: Served, receiver: Receiver) -> None:
    telling.shop.drop("a.jsonl", a_sale("a", customer=_MARY) + held("b"))
    until(lambda: len(receiver.taken) == 2)
    (made,), (waits,) = receiver.of("order.made"), receiver.of("sale.held")
    assert all(one.is_signed() for one in receiver.came)
    order = telling.shop.store.orders()[0]
    assert (made.data["sale"], made.data["order_id"], made.data["store"]) == ("till:a", order["id"], "main")
    assert made.data["page"] == "http://localhost:8788/sale/1"
    assert made.data["total_inc_tax"] == f"{float(order['total_inc_tax']):.2f}"
    assert (waits.data["reason"], waits.data["order_id"]) == ("does_not_add_up", None)
    assert "11.80 USD" in waits.data["why"]
    assert not [one for one in receiver.came if b"mary" in one.body.lower() or b"555" in one.body]
    telling.shop.store.control("faults", {"faults": [{"kind": "401"}] * 50})
    telling.shop.drop("c.jsonl", a_sale("c"))
    until(lambda: bool(receiver.of("store.paused")))
    telling.shop.store.control("faults", {"faults": []})
    until(lambda: bool(receiver.of("store.resumed")) and len(receiver.of("order.made")) == 2)
    log = (telling.shop.folder / "daemon.log").read_text()
    assert "SECRET-PATH" not in log
    assert SECRET not in log


def test_a_receiver_that_was_down_hears_of_everything_once_and_people_are_told_meanwhile(
    teller: Teller, receiver: Receiver, log: list[EventDict]
) -> None:
    receiver.status = 503
    teller.record("a", "b", "c")
    for _ in range(3):
        teller.send()
    assert len(receiver.came) <= 3, "each sale's first, and nothing again at once"
    teller.clock.pass_time(6)
    teller.send()
    teller.clock.pass_time(20)
    teller.send()
    assert receiver.taken == []
    assert Watch(teller.app).look(None) == []
    teller.clock.pass_time(16 * 60)
    (alert,) = [one for one in Watch(teller.app).look(None) if one.kind == "events"]
    assert alert.words.startswith("3 events for other programs wait to be sent, the oldest since ")
    assert alert.words.endswith("it answered 503 Service Unavailable")
    receiver.status = 200
    teller.send()
    assert (names_of(receiver.taken), teller.waiting) == (["a", "b", "c"], 0)
    assert all(one.is_signed() for one in receiver.came)
    assert _open_alerts(teller) == []
    assert [line["event"] for line in log].count("events_not_sent") == 1
    assert "SECRET-PATH" not in str(log)


def _open_alerts(teller: Teller) -> list[Alert]:
    Watch(teller.app).look(None)
    return [one for one in teller.app.ledger.alerts.present() if one.kind == "events"]


def test_an_event_whose_answer_was_lost_arrives_again_under_its_own_id(teller: Teller, receiver: Receiver) -> None:
    receiver.status = BREAK_OFF
    teller.record("a")
    teller.send()
    receiver.status = 204
    teller.clock.pass_time(6)
    teller.send()
    first, again = receiver.came
    assert (first.id, first.body) == (again.id, again.body)
    assert int(again.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    assert again.is_signed()
    assert teller.waiting == 0


def test_an_event_that_is_refused_holds_up_no_other(teller: Teller, receiver: Receiver) -> None:
    receiver.status_of = lambda came: 422 if came.data["sale"] == "till:b" else None
    teller.record("a", "b", "c")
    teller.send()
    assert (names_of(receiver.taken), teller.waiting) == (["a", "c"], 1)
    before = len(receiver.came)
    teller.send()
    assert len(receiver.came) == before, "it is not sent again at once"
    done = teller.shop.run("events", "list")
    assert (done.code, "the oldest was refused 1 time: it answered 422" in done.out) == (1, True), done.out
    receiver.status_of = lambda _: None
    teller.clock.pass_time(61)
    teller.send()
    assert (names_of(receiver.taken), teller.waiting) == (["a", "b", "c"], 0)


def test_a_receiver_that_asks_for_a_pause_has_it(teller: Teller, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "120"}
    teller.record("a")
    teller.send()
    teller.clock.pass_time(110)
    teller.send()
    assert len(receiver.came) == 1
    receiver.status = 200
    teller.clock.pass_time(11)
    teller.send()
    assert teller.waiting == 0


def test_a_redirect_takes_no_event_elsewhere(teller: Teller, receiver: Receiver) -> None:
    with receiving() as other:
        receiver.status, receiver.headers = 307, {"Location": other.url}
        teller.record("a")
        teller.send()
        assert (len(receiver.came), other.came, teller.waiting) == (1, [], 1)
    done = teller.shop.run("events", "test")
    assert (done.code, "no redirect is followed" in done.out) == (3, True)


@pytest.mark.parametrize("status", range(100, 600))
def test_only_2xx_takes_an_event_and_what_the_next_would_get_as_well_stops_all(status: int) -> None:
    reply = reply_of(status, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"})
    assert bool(reply.why) is not (200 <= status < 300)
    alone = {400, 402, 406, 409, *range(411, 421), *range(422, 425), *range(426, 429), *range(430, 500)}
    if status >= 300:
        assert reply.of_address is (status not in alone)


@pytest.mark.parametrize("asked", ["9" * 5000, "99999999999999999999", "-5", "1e9", "\u0665", "", "soon"])
def test_no_pause_that_a_receiver_asks_for_is_longer_than_an_hour(asked: str) -> None:
    assert timedelta() <= reply_of(503, {"Retry-After": asked}).wait <= timedelta(hours=1)


@pytest.mark.parametrize("path", ["", "?key=a%20b", "/a/b?x=1#part"])
def test_an_address_is_asked_whatever_its_path(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("EVENTS_URL", f"http://127.0.0.1:{receiver.port}{path}")
    with teller_of(shop) as teller:
        teller.record("a")
        teller.send()
        assert (len(receiver.taken), teller.waiting) == (1, 0)


def test_half_a_character_in_a_receipt_stops_no_event(teller: Teller, receiver: Receiver) -> None:
    teller.shop.drop("a.jsonl", held("a", number="R-\ud83d") + held("b", number="caf\u00e9"))
    teller.app.tills["till"].poll(Event())
    teller.send()
    assert (names_of(receiver.taken), teller.waiting) == (["a", "b"], 0)
    assert {one.data["receipt"] for one in receiver.taken} >= {"caf\u00e9"}
    assert all(one.is_signed() for one in receiver.came)


def test_a_clock_that_was_years_ahead_holds_no_event_back(teller: Teller, receiver: Receiver) -> None:
    receiver.status = 503
    ahead = 400 * 86_400
    teller.clock.pass_time(ahead)
    teller.record("a")
    teller.send()
    assert len(receiver.came) == 1
    receiver.status = 200
    teller.clock.pass_time(-ahead)
    teller.send()
    assert (names_of(receiver.taken), teller.waiting) == (["a"], 0)


def test_two_senders_of_one_ledger_send_each_event_once(shop: Shop, receiver: Receiver) -> None:
    with teller_of(shop) as one, teller_of(shop) as other:
        one.record(*map(str, range(40)))
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda some: some.send(), (one, other)))
        one.send()
        assert Counter(names_of(receiver.taken)) == Counter(map(str, range(40)))


def test_what_happens_to_one_sale_arrives_in_its_order(teller: Teller, receiver: Receiver) -> None:
    for turn in range(3):
        teller.shop.drop(f"{turn}.jsonl", "".join(held(name, note=f"{turn}") for name in "abc"))
        teller.app.tills["till"].poll(Event())
        teller.shop.drop(f"{turn}b.jsonl", "".join(a_sale(name, note=f"mended {turn}") for name in "abc"))
        teller.app.tills["till"].poll(Event())
    teller.send()
    for name in "abc":
        times = [one.said["timestamp"] for one in receiver.taken if one.data["sale"] == f"till:{name}"]
        assert len(times) == 3
        assert times == sorted(times)


def test_only_what_is_asked_for_is_sent_and_without_an_address_nothing_is_kept(shop: Shop, receiver: Receiver) -> None:
    with teller_of(shop, 'kinds = ["order.made", "store.paused"]') as teller:
        teller.record("a")
        assert teller.waiting == 0
    with teller_of(shop) as teller:
        teller.record("b")
        assert teller.waiting == 1
    shop.configure(FOLDER)
    with open_app(load(shop.config)) as app:
        keep_house(app)
        assert app.ledger.outbox.backlog().waiting == 0
    assert receiver.came == []
    assert shop.run("events", "list").code == 2
    assert shop.run("events", "test").code == 2


def test_what_nobody_takes_for_a_week_is_dropped_and_said(
    teller: Teller, receiver: Receiver, log: list[EventDict]
) -> None:
    receiver.status = 500
    teller.record("a", "b")
    teller.clock.pass_time(timedelta(days=6).total_seconds())
    keep_house(teller.app)
    assert teller.waiting == 2
    teller.clock.pass_time(timedelta(days=2).total_seconds())
    keep_house(teller.app)
    assert teller.waiting == 0
    assert [line["events"] for line in log if line["event"] == "events_dropped"] == [2]


def test_a_test_shows_whether_the_address_takes_events_and_a_new_secret_is_a_good_one(
    teller: Teller, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = teller.shop.run("events", "test")
    assert (done.code, done.out) == (0, "taken: a signed event of the kind test\n")
    (came,) = receiver.came
    assert (came.kind, came.is_signed()) == ("test", True)
    receiver.status = 404
    done = teller.shop.run("events", "test")
    assert (done.code, done.out) == (3, "not taken: it answered 404 Not Found\n")
    done = teller.shop.run("events", "list", "--json")
    assert (json.loads(done.out)["waiting"], len(json.loads(done.out)["kinds"])) == (0, 6)
    monkeypatch.setenv("EVENTS_SECRET", teller.shop.run("events", "secret").out.strip())
    receiver.status = 204
    assert teller.shop.run("events", "test").code == 0
    assert not receiver.came[-1].is_signed(), "another secret signed it"


@pytest.mark.parametrize(
    ("url", "secret", "word"),
    [
        ("ftp://example.com/", SECRET, "events.url"),
        ("https://user:hidden-word@example.com/", SECRET, "events.url"),
        ("example.com", SECRET, "events.url"),
        ("https://example.com/hook", "whsec_short", "events.secret"),
        ("https://example.com/hook", SECRET.removeprefix("whsec_"), "events.secret"),
        ("https://example.com/hook", "whsec_" + "A" * 200, "events.secret"),
    ],
)
def test_an_address_or_a_secret_that_cannot_be_is_named_and_not_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, url: str, secret: str, word: str
) -> None:
    monkeypatch.setenv("EVENTS_URL", url)
    monkeypatch.setenv("EVENTS_SECRET", secret)
    shop.configure(FOLDER + EVENTS.format(more=""))
    done = shop.run("events", "test")
    assert (done.code, word in done.err) == (2, True), done.err
    assert "hidden-word" not in done.out + done.err
    assert secret not in done.out + done.err


def test_an_address_needs_a_secret(shop: Shop, receiver: Receiver) -> None:
    shop.configure(FOLDER + f'[events]\nurl = "{receiver.url}"\n')
    done = shop.run("config", "check")
    assert (done.code, "events.secret" in done.err) == (2, True)


def test_a_daemon_that_is_killed_again_and_again_loses_no_event(shop: Shop, receiver: Receiver) -> None:
    """Each order is told at least once, under one id, and nothing that did not happen."""
    shop.configure(FOLDER + EVENTS.format(more=""))
    names = [f"{turn}-{number}" for turn in range(4) for number in range(15)]
    for turn in range(4):
        process = shop.start("run")
        shop.drop(f"{turn}.jsonl", "".join(a_sale(name) for name in names if name.startswith(f"{turn}-")))
        before = len(receiver.came)
        # Killed while it sends: after the first answer of this turn, or in the middle of pushing.
        until(lambda before=before: len(receiver.came) > before)  # type: ignore[misc]
        process.kill()
        process.wait(30)
    process = shop.start("run")
    try:
        until(lambda: set(names_of(receiver.of("order.made"))) == set(names))
        until(lambda: json.loads(shop.run("events", "list", "--json").out)["waiting"] == 0)
    finally:
        process.terminate()
        assert process.wait(30) == 0
    ids = {(one.kind, one.data["sale"], one.said["timestamp"]): one.id for one in receiver.came}
    assert len(set(ids.values())) == len(ids), "an id stands for one event"
    assert len(ids) == len(names), "one event an order, however often it arrived"
    assert {order["id"] for order in shop.store.orders()} == {one.data["order_id"] for one in receiver.taken}
