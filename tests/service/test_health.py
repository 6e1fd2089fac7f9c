"""Health tells of each job, of who is standing by for whom, and of a daemon that hangs."""

from __future__ import annotations

import socket
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from syncd.app import open_app
from syncd.config import load
from syncd.ledger import Ledger
from syncd.service import health as health_module
from syncd.service.health import Health, Heartbeats, Process, read_health
from syncd.service.jobs import Jobs
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import ledger_url, shut_out, to_revision, writes_refused
from tests.deciders import DECIDER
from tests.service.daemons import daemon, part, until
from tests.service.odd_pos import ACCOUNT, busy_pos, silent_pos
from tests.shop import Shop

OWES = timedelta(minutes=10)
HURRIED = """
[service]
healthy_within = "100ms"
stuck_after = "100ms"
[sources.till]
type = "jsonl"
path = "inbox"
every = "100ms"
"""


@pytest.fixture
def pulse(tmp_path: Path) -> Heartbeats:
    clock = ManualClock()
    return Heartbeats(Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", clock, DECIDER), clock)


def clock_of(pulse: Heartbeats) -> ManualClock:
    clock = pulse._clock
    assert isinstance(clock, ManualClock)
    return clock


def problems(pulse: Heartbeats) -> list[str]:
    pulse.keep()
    (report,) = read_health(pulse._ledger)
    return report.unwell(report.at, OWES)


def test_a_report_with_gaps_in_any_form_of_iso_8601_is_read_and_what_is_no_report_is_passed_over(
    pulse: Heartbeats,
) -> None:
    job = '{"max_gap": "P1DT3H2M0.5S", "last_ok": null, "last_error": "gone", "standby": ""}'
    boot = '{"boot_id": "b", "seconds": 3}'
    at = f'{{"wall": "2026-11-30T10:00:00.123456Z", "boot": {boot}}}'
    process = '{"host": "till-pc", "pid": 7, "started": "2.00"}'
    pulse._ledger.state.put(
        "daemons",
        {
            "till-pc/7/2.00": f'{{"at": {at}, "parts": {{"push": {job}}}, "process": {process}, "of_a_later_version": 1}}',
            "broken": "{",
            "another": '{"at": 5}',
        },
    )
    (report,) = read_health(pulse._ledger)
    assert report.parts["push"].max_gap == timedelta(days=1, hours=3, minutes=2, seconds=0.5)
    assert report.at.wall.microsecond == 123456
    assert report.process == Process("till-pc", 7, "2.00")


def test_a_pusher_that_fails_every_time_is_told_however_well_the_look_ups_are(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.configure('[service]\npush_every = "200ms"\n[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n')
    shop.drop("sales.jsonl", sale(source="till").to_json() + "\n")
    ledger = shop.folder / "ledger.db"
    to_revision(f"sqlite:///{ledger}", "head").dispose()
    monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
    with open_app(load(shop.config)) as app:
        app.tills["till"].poll(threading.Event())  # else the first push may find nothing to do, and be a good one
    with writes_refused(ledger, "insert on attempts"), daemon(shop, monkeypatch) as app:
        until(lambda: bool(part(app, "reconcile main").last_ok and part(app, "push main").last_error))
        assert part(app, "push main").last_ok is None
        (report,) = read_health(app.ledger)
        told = [line for line in report.unwell(report.at, OWES) if line.startswith(("push", "store"))]
    assert len(told) == 1
    assert told[0].startswith("push main: no good cycle yet: ")
    assert "refused by the test" in told[0]


@pytest.mark.postgresql
def test_a_database_that_does_not_answer_is_no_standby(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
    with ledger_url("postgresql", tmp_path, migrated=True) as url:
        shop.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\n', ledger=url)
        with open_app(load(shop.config)) as app:
            heart = Heartbeats(app.ledger, app.clock)
            jobs = Jobs(app, heart, threading.Event())
            with shut_out(url):
                jobs.push("main")
            assert heart.report().parts["push main"].last_error
            assert heart.report().parts["push main"].standby == ""
            jobs.push("main")
            assert heart.report().parts["push main"].last_ok
            jobs.close()


def test_a_daemon_that_stands_by_is_well_and_says_for_whom(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Ledger.open(f"sqlite:///{shop.folder / 'ledger.db'}", ManualClock(), DECIDER)
    with other.lease("main"), daemon(shop, monkeypatch) as app:
        until(lambda: bool(part(app, "push main").standby))
        (report,) = read_health(app.ledger)
        (line,) = (line for line in report.standing_by() if line.startswith("push main"))
        assert line.startswith("push main: standing by: process ")
        assert line.endswith(" is pushing to main")
        assert not [line for line in report.unwell(report.at, OWES) if line.startswith("push")]
    other.close()


def test_a_job_that_is_late_by_boot_time_is_told_whatever_the_wall_clock_says(pulse: Heartbeats) -> None:
    pulse.expect("poll till", OWES)
    pulse.ok("poll till")
    clock_of(pulse).jump(-86_400)
    assert problems(pulse) == []
    clock_of(pulse).pass_time(601)
    assert problems(pulse)[0].startswith("poll till: last good cycle")
    pulse.ok("poll till")
    clock_of(pulse).jump(86_400)
    assert problems(pulse) == []


def test_a_source_that_is_polled_once_an_hour_is_well_in_between(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nevery = "1h"\n')
    with daemon(shop, monkeypatch) as app:
        until(lambda: part(app, "poll till").last_ok is not None)
        (report,) = read_health(app.ledger)
        later = replace(report.at, boot=replace(report.at.boot, seconds=report.at.boot.seconds + 3000))
        assert not [line for line in report.unwell(later, timedelta(hours=2)) if line.startswith("poll")]


def test_a_job_that_hangs_starves_the_watchdog_and_one_that_moves_does_not(pulse: Heartbeats) -> None:
    pulse.expect("poll till", timedelta(minutes=1))
    pulse.expect("push main", timedelta(minutes=1))
    for _ in range(20):
        clock_of(pulse).pass_time(60)
        pulse.alive("push main")  # a backlog of hours
    assert pulse.stuck(timedelta(minutes=15)) == ["poll till"]
    pulse.failed("poll till", "the folder is gone")  # it fails, and does not hang
    assert pulse.stuck(timedelta(minutes=15)) == []


def test_the_watchdog_hears_nothing_while_a_source_hangs(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

    def heard() -> list[str]:
        lines: list[str] = []
        while True:
            try:
                lines += manager.recv(4096).decode().splitlines()
            except BlockingIOError:
                return lines

    with manager, silent_pos() as pos:
        shop.configure(f'[service]\nhealthy_within = "100ms"\nstuck_after = "100ms"\n{ACCOUNT.format(url=pos.url)}')
        with daemon(shop, monkeypatch) as app:
            until(pos.asked.is_set)
            begin = app.clock.elapsed().seconds
            until(lambda: app.clock.elapsed().seconds - begin > 1)
            heard()
            until(lambda: app.clock.elapsed().seconds - begin > 2)
            assert "WATCHDOG=1" not in heard()
            pos.let_go.set()
            until(lambda: "WATCHDOG=1" in heard())


def test_the_reports_of_daemons_that_died_here_are_forgotten_and_the_newest_is_kept_while_none_runs(
    pulse: Heartbeats,
) -> None:
    pulse.expect("poll till", OWES)
    pulse.keep()
    pulse._process = Process(pulse._process.host, pulse._process.pid, "1")  # the same number, started long ago
    pulse.keep()
    assert len(read_health(pulse._ledger)) == 1  # of the two the one that runs
    pulse.forget_the_dead()
    assert len(pulse._ledger.state.all("daemons")) == 1


def test_a_daemon_that_was_stopped_is_not_well(pulse: Heartbeats) -> None:
    pulse.keep(stopped=True)
    (report,) = read_health(pulse._ledger)
    assert isinstance(report, Health)
    assert "it was stopped" in report.unwell(report.at, OWES)[0]


def test_a_daemon_that_takes_over_stands_by_for_nobody_any_more_not_even_in_what_it_does_once_an_hour(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.configure('[service]\npush_every = "200ms"\n[sources.till]\ntype = "jsonl"\npath = "inbox"\n')
    other = Ledger.open(f"sqlite:///{shop.folder / 'ledger.db'}", ManualClock(), DECIDER)
    with daemon(shop, monkeypatch) as app:
        with other.lease("main"):
            until(lambda: all(part(app, job).standby for job in ("push main", "look over main")))
        until(lambda: all(part(app, job).last_ok for job in ("push main", "look over main")))
        until(
            lambda: [one.standing_by() for one in read_health(app.ledger)] == [[]]
        )  # each job, once its turn has come
    other.close()


def test_a_source_that_asked_to_be_left_alone_does_not_hang(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service manager must not restart a daemon because a POS said "come again in two hours"."""
    monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
    clock = ManualClock()
    with busy_pos(retry_after_s=7200) as url:
        shop.configure(ACCOUNT.format(url=url))
        with open_app(load(shop.config), clock) as app:
            heart = Heartbeats(app.ledger, clock)
            jobs = Jobs(app, heart, threading.Event())
            jobs.poll("till")
            for _ in range(6):
                clock.pass_time(600)
                jobs.poll("till")
                assert "poll till" not in heart.stuck(timedelta(minutes=15))
            assert heart.report().parts["poll till"].last_error


def test_a_daemon_that_was_killed_and_that_nobody_waits_for_is_dead() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        here = Process(socket.gethostname(), child.pid, health_module._started(child.pid))
        assert here.alive() is True
        child.kill()
        until(lambda: here.alive() is False, "a zombie counts as alive")


def test_no_job_asks_for_one_that_is_not_in_the_timetable(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
    shop.drop("sales.jsonl", sale(source="till").to_json() + "\n")
    with open_app(load(shop.config)) as app:
        jobs, asked = Jobs(app, Heartbeats(app.ledger, app.clock), threading.Event()), set[str]()
        jobs.run_now = asked.add
        table = {job.name: job for job in jobs.timetable()}
        for job in table.values():
            job.run()
        assert asked
        assert asked <= table.keys()
        jobs.close()


@pytest.mark.parametrize(
    "text", ['{"at": 1}', "not JSON", '{"parts": {"poll till": {"owes_s": 1, "good": null, "ails": ""}}}']
)
def test_a_report_that_another_version_wrote_is_passed_over_and_dropped(pulse: Heartbeats, text: str) -> None:
    pulse.expect("poll till", OWES)
    pulse.ok("poll till")
    pulse.keep()
    pulse._ledger.state.put("daemons", {"elsewhere/1/1": text})
    (report,) = read_health(pulse._ledger)
    assert report == replace(pulse.report(), at=report.at)  # and what is kept is read again as it was
    pulse.forget_the_dead()
    assert "elsewhere/1/1" not in pulse._ledger.state.all("daemons")
