"""Which facts are causes that people should hear of, and how they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from syncd.clock import BootTime, Now
from syncd.ledger import Alert, Reason, StoreState, Untold
from syncd.sale.reasons import group_of, reason_of
from syncd.sale.states import State
from syncd.service.alert_rules import AlertSnapshot, Volume, evaluate
from syncd.service.health import Health, HealthPart, Process
from syncd.service.messages import message_of
from syncd.settings import AlertSettings

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_NOW = Now(_NOON, BootTime("b", 100_000.0))
_CALM = AlertSnapshot(_NOW, {"main": StoreState()}, {"main": {State.SYNCED: 9}}, {"main": None}, disk_free=10**12)
_WITHIN = timedelta(minutes=10)


def ago(**gap: float) -> Now:
    passed = timedelta(**gap)
    return Now(_NOON - passed, BootTime("b", 100_000.0 - passed.total_seconds()))


def health(name: str, part: HealthPart, begun: Now | None = None) -> Health:
    return Health(_NOW, {name: part}, Process("h", 1, "1"), begun=begun)


def kinds(facts: AlertSnapshot, **settings: object) -> list[str]:
    return [alert.kind for alert in evaluate(facts, AlertSettings(**settings), _WITHIN)]  # type: ignore[arg-type]


def paused(minutes: float) -> AlertSnapshot:
    state = StoreState(paused_why="the token is refused", cure="Check it.", paused_at=ago(minutes=minutes).wall)
    return replace(_CALM, stores={"main": state})


def poll(part: HealthPart, begun: Now | None = None) -> AlertSnapshot:
    return replace(_CALM, health=health("poll till", part, begun))


_OWES = timedelta(minutes=1)


def reason(
    state: State, number: int, *, minutes: float, why: str = "taxes come to 1.00 USD, the POS states 2.00"
) -> Reason:
    since = ago(minutes=minutes).wall
    group = group_of(reason_of(state, why), why)
    return Reason("main", state, group, why, "Fix it.", number, since, since, since, {"USD": Decimal("10.80") * number})


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(_CALM, [], id="a calm shop says nothing"),
        pytest.param(paused(4), [], id="a short pause is over before anybody could act"),
        pytest.param(paused(6), ["paused"], id="a pause that lasts is told"),
        pytest.param(
            replace(_CALM, reasons=[reason(State.REJECTED, 1, minutes=0)]), ["rejected"], id="one rejected sale is told"
        ),
        pytest.param(
            replace(_CALM, reasons=[reason(State.HELD, 5, minutes=14)]), [], id="held sales may be settled soon"
        ),
        pytest.param(replace(_CALM, reasons=[reason(State.HELD, 5, minutes=16)]), ["held"], id="held sales that wait"),
        pytest.param(replace(_CALM, waiting_since={"main": ago(minutes=14).wall}), [], id="a sale that waits a little"),
        pytest.param(
            replace(_CALM, waiting_since={"main": ago(minutes=16).wall}), ["late"], id="a sale that waits long"
        ),
        pytest.param(
            replace(paused(60), waiting_since={"main": ago(minutes=50).wall}), ["paused"], id="one cause, one alert"
        ),
        pytest.param(replace(_CALM, faults={"till": 3}), ["faults"], id="records that could not be read"),
        pytest.param(poll(HealthPart(_OWES, ago(minutes=9), "gone")), [], id="a job that failed a moment ago"),
        pytest.param(poll(HealthPart(_OWES, ago(minutes=11), "gone")), ["job"], id="a job that fails for long"),
        pytest.param(poll(HealthPart(_OWES, None, "gone"), ago(minutes=11)), ["job"], id="a job that never went well"),
        pytest.param(poll(HealthPart(_OWES, None, "gone"), ago(minutes=2)), [], id="a job that has just begun"),
        pytest.param(poll(HealthPart(_OWES, ago(minutes=99), "paused: x")), [], id="a job of a paused store"),
        pytest.param(poll(HealthPart(_OWES, ago(minutes=99), "", "other")), [], id="a job that another process does"),
        pytest.param(
            replace(_CALM, health=health("refresh main", HealthPart(_OWES, ago(hours=5), "gone"))),
            [],
            id="nothing waits for it",
        ),
        pytest.param(
            replace(_CALM, health=health("refresh main", HealthPart(_OWES, ago(hours=7), "gone"))),
            ["job"],
            id="not for so long",
        ),
        pytest.param(replace(_CALM, volumes={"till": Volume(0, (20, 30, 25))}), ["volume"], id="suddenly empty"),
        pytest.param(
            replace(_CALM, unread={"till": ("a.pdf", "b/ (a folder)")}), ["unread"], id="files that nobody reads"
        ),
        pytest.param(replace(_CALM, volumes={"till": Volume(1, (20, 30, 25))}), [], id="few, and not none"),
        pytest.param(replace(_CALM, volumes={"till": Volume(300, (20, 30, 25))}), ["volume"], id="ten times as much"),
        pytest.param(replace(_CALM, volumes={"till": Volume(200, (20, 30, 25))}), [], id="a good day"),
        pytest.param(replace(_CALM, volumes={"till": Volume(0, (2, 3, 1))}), [], id="a quiet shop"),
        pytest.param(
            replace(_CALM, volumes={"till": Volume(0, (0, 0, 0, 0))}), [], id="closed on this day of the week"
        ),
        pytest.param(replace(_CALM, volumes={"till": Volume(0, (20, 30), closed=True)}), [], id="closed by the config"),
        pytest.param(replace(_CALM, volumes={"till": Volume(999, (20,))}), [], id="a young shop has no usual day"),
        pytest.param(replace(_CALM, disk_free=400_000_000), ["disk"], id="little room"),
        pytest.param(replace(_CALM, disk_free=None), [], id="a database elsewhere"),
    ],
)
def test_a_cause_is_told_once_it_is_one(facts: AlertSnapshot, expected: list[str]) -> None:
    assert kinds(facts) == expected


def test_the_gaps_are_the_configs() -> None:
    assert kinds(paused(4), paused_after="3m") == ["paused"]
    assert kinds(replace(_CALM, disk_free=400_000_000), low_disk_mb=100) == []


def test_every_alert_says_what_to_do() -> None:
    facts = replace(paused(9), reasons=[reason(State.REJECTED, 2, minutes=1)], faults={"till": 1}, disk_free=1)
    for alert in evaluate(facts, AlertSettings(), _WITHIN):
        assert alert.words
        assert alert.cure


def alert(kind: str, subject: str, words: str) -> Alert:
    return Alert("main", kind, subject, words, "Do this.")


def test_sales_that_wait_are_one_alert_a_reason_with_their_number_their_sum_and_what_to_do() -> None:
    other = "this return does not say which sale it belongs to, so it cannot be refunded automatically"
    facts = replace(_CALM, reasons=[reason(State.HELD, 20, minutes=60), reason(State.HELD, 1, minutes=60, why=other)])
    first, second = evaluate(facts, AlertSettings(), _WITHIN)
    assert first.words == (
        "20 sales of main, 216.00 USD, waiting for your decision: Sales whose parts do not add up to their total"
    )
    assert "syncd sales --state held" in first.cure
    assert second.words == f"1 sale of main, 10.80 USD, waiting for your decision: {other}"
    assert first.subject != second.subject


def test_what_a_till_says_is_text_in_a_mail_and_no_markup() -> None:
    evil = '<script>alert(1)</script><img src=x onerror=1> & "Tom"'
    message = message_of(Untold(((1, Alert("main", "held", "x", evil, evil)),), ()), "https://shop.example/?a=1&b=2")
    assert "<script>" not in message.html
    assert "<img" not in message.html
    assert "&lt;script&gt;" in message.html
    assert evil in message.body


@pytest.mark.parametrize(
    ("name", "words"),
    [("poll till", 'read "till"'), ("push main", 'send orders to store "main"'), ("housekeep", "tidy up the ledger")],
)
def test_a_job_is_called_by_what_it_does(name: str, words: str) -> None:
    facts = replace(_CALM, health=health(name, HealthPart(_OWES, ago(minutes=30), "refused")))
    (found,) = evaluate(facts, AlertSettings(), _WITHIN)
    assert found.words == f"syncd has not been able to {words} since 11:30 UTC: refused"


def test_many_alerts_of_one_kind_are_one_line() -> None:
    many = tuple((n, alert("order unknown", str(n), f"order {n} is not ours")) for n in range(400))
    message = message_of(Untold(many, ()))
    assert message.body.splitlines() == ["main: 400 times 'order unknown', such as: order 0 is not ours", "  Do this."]
    assert message.html.count("<p>") == 1


def test_what_is_over_is_said_apart_and_the_page_is_named() -> None:
    untold = Untold(((1, alert("paused", "main", "main is paused")),), ((2, alert("late", "main", "sales wait")),))
    message = message_of(untold, "https://shop.example/")
    assert message.title == "syncd: main is paused (and 1 more)"
    assert message.body.splitlines() == [
        "main is paused",
        "  Do this.",
        "  https://shop.example/stores",
        "Over: sales wait",
    ]
    assert message_of(Untold((), untold.over)).title == "syncd: over: sales wait"
