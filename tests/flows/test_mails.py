"""Mails to a real mail server: HTML with what a till says as text, and the same verdict as everywhere else."""

from __future__ import annotations

import email
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import Message as Mail
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from syncd.app import open_app
from syncd.cli.wizard.alerts import mail_url
from syncd.config import load
from syncd.service.alert_rules import Watch
from syncd.service.delivery import Message, send
from syncd.service.notifier import Notifier
from syncd.testing.clocks import AheadClock
from syncd.testing.orders import sale
from tests.flows.test_init import _ADDRESS, command, init
from tests.shop import Shop, Store

_EVIL = "<b>Mug</b><script>alert(1)</script>"


class Mailbox:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.port = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  as aiosmtpd wants it
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"

    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=shop@example.com&to=owner@example.com"

    def html(self, number: int = -1) -> str:
        return self._part(number, "text/html")

    def text(self, number: int = -1) -> str:
        return self._part(number, "text/plain")

    def _part(self, number: int, kind: str) -> str:
        part = next(one for one in self.mails[number].walk() if one.get_content_type() == kind)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        return content.decode()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    import socket

    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        box.port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


def test_a_text_that_looks_like_markup_is_text_in_a_mail(mailbox: Mailbox) -> None:
    assert send([SecretStr(mailbox.url())], Message("syncd: a test", f"sold {_EVIL}"), threading.Event()) == ""
    assert [part.get_content_type() for part in mailbox.mails[0].walk() if not part.is_multipart()] == ["text/plain"]
    assert _EVIL in mailbox.text()


def test_the_address_that_init_makes_is_one_that_a_server_takes(mailbox: Mailbox) -> None:
    url = mail_url("owner@example.com", f"127.0.0.1:{mailbox.port}", "", "")
    assert send([SecretStr(url)], Message("syncd: a test", "text", "<p>html</p>"), threading.Event()) == ""
    assert mailbox.mails[-1]["To"].endswith("owner@example.com")


@pytest.mark.parametrize(
    ("server", "user", "url"),
    [
        ("smtp.example.com", "me@example.com", "mailtos://me%40example.com:p%40ss%2Fword@smtp.example.com?"),
        ("smtp.example.com:465", "me", "mailtos://me:p%40ss%2Fword@smtp.example.com:465?"),
        ("localhost:25", "", "mailto://localhost:25?"),
    ],
)
def test_an_address_of_a_mailbox_is_quoted(server: str, user: str, url: str) -> None:
    made = mail_url("owner@example.com", server, user, "p@ss/word")
    assert made.startswith(url)
    script = "import sys, apprise; made = apprise.Apprise.instantiate(sys.argv[1]); print(made.password, made.user)"
    done = subprocess.run([sys.executable, "-c", script, made], capture_output=True, text=True, check=True)
    assert done.stdout.split() == (["p@ss/word", user] if user else ["None", "None"])


@pytest.fixture
def told(shop: Shop, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("ALERT_URL", mailbox.url())
    monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
    shop.configure(
        '[alerts]\nurls = [{ env = "ALERT_URL" }]\ndigest = "00:00"\n'
        '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n',
        web='enabled = true\nlisten = "127.0.0.1:0"\nurl = "http://localhost:8788"',
    )
    return shop


def _unbalanced(name: str, total: str) -> str:
    line = {"line_id": "1", "name": _EVIL, "quantity": "1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
    return sale(source="till", sale_id=name, lines=[line], total_inc_tax=total).to_json() + "\n"


def test_held_sales_are_mailed_once_after_a_grace_by_reason_with_sum_and_link(told: Shop, mailbox: Mailbox) -> None:
    told.drop("a.jsonl", "".join(_unbalanced(f"s{n}", f"{20 + n}.00") for n in range(20)))
    told.run("sync")
    clock = AheadClock()
    with open_app(load(told.config), clock) as app:
        watch, notifier = Watch(app), Notifier(app)
        watch.look(None)
        notifier.tell()
        assert mailbox.mails == []  # somebody may settle them within a few minutes
        clock.pass_time(20 * 60)
        watch.look(None)
        notifier.tell()
        watch.look(None)
        notifier.tell()
        assert len(mailbox.mails) == 1
        words = (
            "20 sales of main, 590.00 USD, waiting for your decision: Sales whose parts do not add up to their total"
        )
        assert words in mailbox.html()
        assert "http://localhost:8788/attention" in mailbox.html()
        notifier.digest()
    assert "needs attention" in str(email.header.make_header(email.header.decode_header(mailbox.mails[-1]["Subject"])))
    assert words in mailbox.html()


def test_page_summary_status_and_exit_code_have_one_verdict(told: Shop, mailbox: Mailbox) -> None:
    for total, well in (("10.80", True), ("99.00", False)):
        told.drop(f"{total}.jsonl", _unbalanced(total, total))
        done = told.run("sync")
        status = told.run("status")
        document = told.run("status", "--json").json
        with open_app(load(told.config), AheadClock()) as app:
            app.ledger.state.drop("alerts", ["last digest"])
            Notifier(app).digest()
        subject = str(email.header.make_header(email.header.decode_header(mailbox.mails[-1]["Subject"])))
        assert (done.code, status.code) == ((0, 0) if well else (1, 1))
        assert ("OK: nothing needs your attention." in status.out) is well
        assert (document["verdict"] == "ok") is well
        assert ("all well" in subject) is well


def test_a_held_return_and_an_unread_record_are_no_day_that_is_well(told: Shop, mailbox: Mailbox) -> None:
    told.drop("a.jsonl", sale(source="till", sale_id="good").to_json() + "\nno json\n")
    told.run("sync")
    with open_app(load(told.config), AheadClock()) as app:
        Notifier(app).digest()
    assert "1 record of till could not be read" in mailbox.html()
    assert "needs attention" in str(email.header.make_header(email.header.decode_header(mailbox.mails[-1]["Subject"])))


def test_init_mails_a_test_and_writes_the_address_where_only_its_owner_reads_it(
    tmp_path: Path, store: Store, mailbox: Mailbox
) -> None:
    export = tmp_path / "sales.jsonl"
    export.write_text(sale(source="till", sale_id="a").to_json() + "\n")
    folder = tmp_path / "shop"
    mail = ("no address", "owner@example.com", f"127.0.0.1:{mailbox.port}", "-")
    done = init(folder, store, store.store_hash, store.token, _ADDRESS, str(export), *mail, "", "no")
    assert done.code in (0, 1), done.out + done.err
    assert "is no e-mail address" in done.out
    assert "A test message was sent" in done.out
    assert "This is a test" in mailbox.text()
    assert (folder / "alert-url").stat().st_mode & 0o077 == 0
    assert command(folder, "alerts", "test").code == 0
    assert len(mailbox.mails) == 2


def test_a_closed_sunday_raises_no_alert(told: Shop) -> None:
    """Four weeks of a shop that opens on six days: the first closed days are named in the config, later ones are known."""
    from datetime import UTC

    monday = datetime(2026, 11, 2, 9, tzinfo=UTC)
    days = [monday + timedelta(days=day) for day in range(27)]
    sold = [day + timedelta(minutes=n) for day in days if day.weekday() != 6 for n in range(12)]
    text = "".join(
        sale(source="till", sale_id=f"s{n}", placed_at=at.isoformat()).to_json() + "\n" for n, at in enumerate(sold)
    )
    told.drop("a.jsonl", text)
    told.run("sync", "--limit", "0")
    with open_app(load(told.config)) as app:
        watch = Watch(app)
        after_sunday = watch._of("till", datetime(2026, 11, 30, 7, tzinfo=UTC))
        assert (after_sunday.lately, after_sunday.usual) == (0, 0)
        young = watch._of("till", datetime(2026, 11, 9, 7, tzinfo=UTC))
        assert (young.lately, young.closed) == (0, False)
        assert young.usual > 10  # a week old, it cannot know its Sundays yet
        empty_tuesday = watch._of("till", datetime(2026, 12, 1, 20, tzinfo=UTC))
        assert empty_tuesday.lately == 0
        assert empty_tuesday.usual >= 10
    told.config.write_text(
        told.config.read_text().replace('settle = "0s"', 'settle = "0s"\nclosed = ["Sunday", "12-25"]')
    )
    with open_app(load(told.config)) as app:
        assert Watch(app)._of("till", datetime(2026, 11, 9, 7, tzinfo=UTC)).closed
        assert Watch(app)._of("till", datetime(2026, 12, 26, 7, tzinfo=UTC)).closed
        assert not Watch(app)._of("till", datetime(2026, 12, 1, 20, tzinfo=UTC)).closed


def test_check_finds_what_run_would_fail_on(told: Shop, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told.config.write_text(told.config.read_text().replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"'))
        done = told.run("check")
        assert done.code == 1
        assert f"127.0.0.1:{port} cannot be opened" in done.out
    (tmp_path / "page.pem").write_text("no certificate")
    text = told.config.read_text().replace("[web]", '[web]\ncertificate = "page.pem"\nkey = "page.pem"')
    told.config.write_text(text)
    assert "cannot be used" in told.run("check").out


def test_check_names_an_address_of_alerts_that_is_none(told: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told.run("check").code == 0
    monkeypatch.setenv("ALERT_URL", "no-such-service://SECRET-PATH-99")
    done = told.run("check")
    assert done.code == 1
    assert "FIX   alerts: address 1 is none that apprise knows" in done.out
    assert "SECRET" not in done.out + done.err


def test_an_empty_ledger_beside_a_used_store_is_one_cause_with_a_count_everywhere(told: Shop, mailbox: Mailbox) -> None:
    from syncd.ledger import Alert
    from syncd.service.needs import needs_of
    from syncd.service.overview import SystemOverview

    told.run("sync")
    many = [
        Alert("main", "unknown order", str(n), f"order {n} has the key till:{n}", "Look at it.") for n in range(1685)
    ]
    with open_app(load(told.config)) as app:
        app.ledger.alerts.raise_new(many)
        Notifier(app).tell()
        (need,) = needs_of(SystemOverview.of(app))
    words = "main: 1,685 orders in BigCommerce have a key that this ledger does not know, such as: order 0 has the key till:0"
    assert need.words == words
    assert words in mailbox.html()
    assert len(mailbox.mails) == 1
    for words_of in (("status",), ("alerts", "list")):
        out = told.run(*words_of).out
        assert words in " ".join(out.split())
        assert len(out.splitlines()) < 20
    assert len(told.run("alerts", "list", "--json").json["alerts"]) == 1685
