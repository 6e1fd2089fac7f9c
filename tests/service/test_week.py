"""A week of a shop in fast motion: for each trouble, terminal, page and mail say what, where and what to do.

``pytest -s tests/service/test_week.py`` prints what each of them said, as a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from threading import Event

import pytest

from syncd.app import App, open_app
from syncd.config import load
from syncd.errors import Busy, SourceError, StoreError
from syncd.service.alert_rules import Watch
from syncd.service.needs import needs_of
from syncd.service.notifier import Notifier
from syncd.service.overview import SystemOverview
from syncd.testing.clocks import AheadClock
from syncd.testing.orders import sale
from tests.flows.test_mails import Mailbox, mailbox  # noqa: F401  a fixture
from tests.shop import Shop

_PAGE = "http://localhost:8788"
_CONFIG = (
    '[alerts]\nurls = [{ env = "ALERT_URL" }]\ndigest = ""\nlow_disk_mb = 0\n'
    '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nclosed = ["sun"]\n'
)


class Week:
    """The shop, its clock, and what people heard."""

    def __init__(self, shop: Shop, box: Mailbox) -> None:
        self.shop, self.box, self.clock = shop, box, AheadClock()
        self.rows: list[tuple[str, str, str, str]] = []

    @contextmanager
    def app(self) -> Iterator[App]:
        with open_app(load(self.shop.config), self.clock) as app:
            yield app

    def sell(self, name: str, **changes: object) -> str:
        at = (self.clock.now() - timedelta(minutes=1)).isoformat()
        return sale(source="till", sale_id=name, placed_at=at, **changes).to_json() + "\n"

    def drop(self, name: str, *lines: str) -> None:
        self.shop.drop(name, "".join(lines))

    def work(self, minutes: float = 40) -> None:
        """What the daemon does in that time: polls, pushes, evaluates the alerts, and mails."""
        with self.app() as app:
            watch, notifier = Watch(app), Notifier(app)
            for _ in range(2):
                for till in app.tills.values():
                    try:
                        till.poll(Event())
                    except SourceError:
                        continue
                for store in app.stores.values():
                    try:
                        with store.leased() as lease:
                            store.push(lease, Event())
                    except (Busy, StoreError):
                        continue
                watch.look(None)
                notifier.tell()
                self.clock.pass_time(minutes * 30)

    def says(self, event: str, *, what: str, do: str, mails: bool = True, needs: bool = True) -> None:
        """Check that terminal, page and mail name the trouble and what to do, and keep their words."""
        terminal = " ".join(self.shop.run("status").out.split())
        with self.app() as app:
            found = [need for need in needs_of(SystemOverview.of(app)) if need.level != "note"]
        page = "; ".join(f"{need.words} ({need.cure})" for need in found)
        mail = _plain(self.box.html()) if mails else "-"
        self.rows.append((event, terminal.partition(" store main")[0], page or "Nothing.", mail))
        said = [terminal, page, *([mail] if mails else [])] if needs else [mail]
        for words in said:
            assert re.search(what, words), (event, what, words)
            assert re.search(do, words), (event, do, words)
        if mails:
            assert _PAGE in self.box.html(), event


def _plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.fixture
def week(shop: Shop, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Week:  # noqa: F811  the fixture
    monkeypatch.setenv("ALERT_URL", mailbox.url())
    monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
    shop.configure(_CONFIG, web=f'enabled = true\nlisten = "127.0.0.1:0"\nurl = "{_PAGE}"')
    return Week(shop, mailbox)


def _wrong_file(week: Week) -> None:
    week.drop("stock-list.pdf", "%PDF-1.7\n")
    week.drop("monday.jsonl", week.sell("m1"), '{"source":"till","sale_id":"torn"\n')
    week.work()
    week.says(
        "Monday: a wrong file, a torn record",
        what=r"1 record of till could not be read: monday\.jsonl:2: ",
        do="syncd faults|close when the sale",
    )


def _held(week: Week) -> None:
    line = {"line_id": "1", "name": "Mug", "quantity": "1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
    week.drop("tuesday.jsonl", *(week.sell(f"t{n}", lines=[line], total_inc_tax=f"{20 + n}.00") for n in range(20)))
    week.work()
    what = r"20 sales of main, 590\.00 USD, waiting for your decision: Sales whose parts do not add up"
    week.says("Tuesday: 20 receipts that do not add up", what=what, do="release it, to send it unchanged")
    week.shop.run("skip", "--state", "held", "--yes")


def _token(week: Week) -> None:
    week.shop.store.control("faults", {"faults": [{"kind": "401"}]})
    week.drop("wednesday.jsonl", week.sell("w1"))
    week.work()
    week.says(
        "Wednesday: the token is revoked", what="main is paused: BigCommerce refused the token", do="Check the token"
    )
    week.shop.store.control("faults", {"faults": []})


def _down(week: Week) -> None:
    week.work()
    assert "Over: main is paused: BigCommerce refused the token" in _plain(week.box.html())
    week.shop.store.control("faults", {"faults": [{"kind": "5xx_before", "status": 503}]})
    week.drop("thursday.jsonl", week.sell("h1"))
    week.work()
    what = "sales for main have been waiting since"
    week.says("Thursday: the store is down", what=what, do="Can the store be reached")
    week.shop.store.control("faults", {"faults": []})


def _returns(week: Week) -> None:
    week.work()
    assert "Over: sales for main have been waiting" in _plain(week.box.html())
    back = {"line_id": "1", "name": "Mug", "quantity": "-1", "total_ex_tax": "-10.00", "total_inc_tax": "-10.80"}
    goods = week.sell("f-return", lines=[back], total_inc_tax="-10.80", total_tax="-0.80", tenders=[])
    week.drop("friday.jsonl", goods)
    week.work()
    week.says(
        "Friday: a return without its sale",
        what="this return does not say which sale it belongs to",
        do="syncd link|Pick the sale",
    )
    week.shop.run("skip", "till:f-return", "--yes")


def _sunday(week: Week) -> None:
    before = len(week.box.mails)
    for day in range(4):
        week.clock.pass_time(86_400)
        week.drop(f"day{day}.jsonl", *(week.sell(f"d{day}-{n}") for n in range(12)))
        week.work(2)
    while (week.clock.now() + timedelta(hours=0)).weekday() != 0:
        week.clock.pass_time(86_400)
    week.work(2)
    heard = [_plain(week.box.html(number)) for number in range(before, len(week.box.mails))]
    assert not [words for words in heard if "no sales of till" in words]
    week.rows.append(("Sunday: closed", "-", "-", "no alarm: closed in [sources.till]"))


def _backfill(week: Week) -> None:
    first = (week.clock.now() - timedelta(days=30)).date().isoformat()
    done = week.shop.run("backfill", "--source", "till", "--from", first, "--to", first, "--dry-run")
    assert "Nothing was recorded" in done.out
    week.rows.append(("Monday: a backfill, counted first", " ".join(done.out.split()), "-", "-"))


def _restore(week: Week) -> None:
    backup = week.shop.folder / "backup.db"
    assert week.shop.run("ledger", "backup", str(backup)).code == 0
    week.drop("late.jsonl", week.sell("after-the-backup"))
    week.work(2)
    orders = len(week.shop.store.orders())
    for file in week.shop.folder.glob("ledger.db*"):
        file.unlink()
    backup.rename(week.shop.folder / "ledger.db")
    week.drop(
        "late-again.jsonl", *(Path(one).read_text() for one in week.shop.folder.glob("inbox/processed/late.jsonl"))
    )
    week.work(2)
    assert len(week.shop.store.orders()) == orders  # what the backup did not know is found, and not made twice
    said = week.shop.run("ledger", "verify")
    week.rows.append(("Tuesday: a backup is put back", " ".join(said.out.split())[:160], "-", "-"))


_EVENTS: tuple[Callable[[Week], None], ...] = (
    _wrong_file,
    _held,
    _token,
    _down,
    _returns,
    _sunday,
    _backfill,
    _restore,
)


def test_a_week_of_troubles_is_said_in_the_same_words_on_terminal_page_and_mail(week: Week) -> None:
    for event in _EVENTS:
        event(week)
    print("\n| what happened | terminal (`syncd status`) | page | mail |\n| --- | --- | --- | --- |")
    for row in week.rows:
        print(f"| {' | '.join(cell.replace('|', '/')[:420] for cell in row)} |")
    assert len(week.rows) == len(_EVENTS)
