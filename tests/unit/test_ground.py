import io
import json
import socket
import subprocess
import sys
import threading
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from syncd import logs
from syncd.clock import BootTime, SystemClock
from syncd.durations import format_duration, parse_duration
from syncd.errors import ConfigError, ConfigProblem, SecretMissing, SyncdError
from syncd.secret import KeptSecret, secret_of, secrets_in
from syncd.service.sdnotify import notify, watchdog_interval_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("250ms", 0.25), ("15m", 900), ("2h", 7200), ("7d", 604800), (5, 5), ("1.5s", 1.5)],
)
def test_durations_are_read_as_people_write_them(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert parse_duration(format_duration(parse_duration(text))) == parse_duration(text)


@pytest.mark.parametrize("bad", ["soon", "10", "-5s", "", None, True])
def test_what_is_no_duration_is_refused_with_examples(bad: object) -> None:
    with pytest.raises(ValueError, match="30s"):
        parse_duration(bad)


def test_the_clock_is_aware_and_boot_time_only_grows() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    first = clock.elapsed()
    assert not clock.wait(threading.Event(), 0.01)
    gap = clock.elapsed().since(first)
    assert gap is not None
    assert gap >= 0.01


def test_gaps_across_boots_are_not_known() -> None:
    assert BootTime("b", 10).since(BootTime("a", 5)) is None


def test_secrets_come_from_the_environment_a_file_or_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "one")
    (tmp_path / "token").write_text("two\n")
    assert secret_of({"env": "A_TOKEN"}).get_secret_value() == "one"
    assert secret_of({"file": str(tmp_path / "token")}).get_secret_value() == "two"
    assert secret_of({"command": [sys.executable, "-c", "print('three')"]}).get_secret_value() == "three"
    assert secret_of(SecretStr("four")).get_secret_value() == "four"


@pytest.mark.parametrize(
    "bad",
    [
        "in-clear",
        {},
        {"command": []},
        {"vault": "x"},
    ],
)
def test_a_secret_of_a_wrong_form_is_refused_at_once_without_its_value(bad: object) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        secret_of(bad)
    assert "in-clear" not in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        {"env": "NOT_SET_ANYWHERE"},
        {"file": "/nonexistent/token"},
        {"file": "/tmp\0/token"},
        {"file": "~nobody-of-that-name/token"},
        {"file": "$CREDENTIALS_DIRECTORY/token"},
        {"command": [sys.executable, "-c", "print('leak'); raise SystemExit(3)"]},
        {"command": ["/nonexistent/program"]},
        {"command": ["a\0b"]},
    ],
)
def test_a_secret_that_cannot_be_read_is_an_error_without_its_value_and_only_when_it_is_needed(bad: object) -> None:
    found = secret_of(bad)
    assert "leak" not in f"{found} {found!r}"
    with pytest.raises(SecretMissing, match=r"secret|environment") as caught:
        found.get_secret_value()
    assert "leak" not in str(caught.value)
    assert "syncd service" in str(caught.value)


def test_a_secret_that_was_read_is_hidden_from_the_log_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATE_TOKEN", "late-token-value")
    assert secret_of({"env": "LATE_TOKEN"}).get_secret_value() == "late-token-value"
    assert logs.redact("said late-token-value") == "said ***"


def test_a_secret_files_path_begins_at_the_config(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    found = secret_of({"file": "token"})
    assert isinstance(found, KeptSecret)
    found.named("stores.main.token", tmp_path)
    assert found.get_secret_value() == "abc"


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.setup("json", "info")
    return stream


def test_no_hidden_value_reaches_a_log_line(log_lines: io.StringIO) -> None:
    logs.hide("tok-123456")
    logs.get_logger().info("said", header="X-Auth-Token: tok-123456", token="x", why=ValueError("tok-123456"))
    assert "tok-123456" not in log_lines.getvalue()
    assert json.loads(log_lines.getvalue())["token"] == "***"


@settings(max_examples=200, deadline=None)
@given(
    hidden=st.lists(st.text("ab.+(", min_size=4, max_size=7), min_size=1, max_size=80),
    around=st.lists(st.text("ab.+(", max_size=5), min_size=1, max_size=3),
)
def test_however_many_values_are_hidden_none_stays_in_a_text(hidden: list[str], around: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "_planted", set())
        patch.setattr(logs, "_found", None)
        patch.setattr(logs, "_heads", {})
        logs.hide(*hidden)
        text = hidden[0].join([*around, ""]) + "".join(around)
        shown = logs.redact(text)
    assert not [value for value in hidden if value in shown]
    assert shown.replace("***", "") in text or "***" in shown


def test_every_secret_of_a_config_is_hidden_and_a_plain_address_is_not(log_lines: io.StringIO) -> None:
    class Cloud(BaseModel):
        api_key: SecretStr
        others: dict[str, list[SecretStr]]
        url: SecretStr
        plain: SecretStr

    cloud = Cloud(
        api_key=SecretStr("sk-live-1"),
        others={"a": [SecretStr("rotating-2")]},
        url=SecretStr("postgresql://till:p%40ss-3@db/pos"),
        plain=SecretStr("sqlite:///ledger.db"),
    )
    logs.hide(*secrets_in([cloud]))
    logs.get_logger().info("said", why=f"sk-live-1 rotating-2 p@ss-3 p%40ss-3 sqlite:///ledger.db {cloud.url}")
    said = log_lines.getvalue()
    assert not [secret for secret in ("sk-live-1", "rotating-2", "ss-3") if secret in said]
    assert "sqlite:///ledger.db" in said


def test_a_name_cannot_forge_a_log_line(log_lines: io.StringIO) -> None:
    logs.get_logger().info("said", name="evil\n{'event': 'forged'}\x1b[31m")
    assert len(log_lines.getvalue().splitlines()) == 1
    assert "\x1b" not in json.loads(log_lines.getvalue())["name"]


def test_bound_fields_are_on_every_line(log_lines: io.StringIO) -> None:
    with logs.bind(sale="till:1", store="main"):
        logs.get_logger().info("sale_recorded")
    assert json.loads(log_lines.getvalue())["sale"] == "till:1"


def test_errors_say_what_and_the_cure() -> None:
    assert str(SyncdError("it broke", "mend it")) == "it broke\n  mend it"
    assert "a.b: must be 1 (found 2)" in str(ConfigError("bad:", [ConfigProblem("a.b", "2", "must be 1")]))


def test_the_service_manager_hears_of_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert notify("READY=1", "STATUS=ok")
        assert manager.recv(100) == b"READY=1\nSTATUS=ok"
    assert not notify("READY=1")


def test_without_a_service_manager_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "")
    assert not notify("READY=1")
    assert watchdog_interval_s() is None


def test_the_watchdog_is_answered_twice_as_often_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert watchdog_interval_s() == 15
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_interval_s() is None


# The first lines come from many threads at once, as when a pusher's threads are the first to have something to say.
AT_ONCE = """
import threading, time, structlog
from syncd import logs
configure = structlog.configure
def slowly(**how):
    time.sleep(0.1)
    configure(**how)
structlog.configure = slowly
logs.setup("json", "info")
logs.hide("tok-123456")
together = threading.Barrier(8)
def say():
    together.wait()
    logs.get_logger().info("said", header="tok-123456")
threads = [threading.Thread(target=say) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_first_lines_of_many_threads_are_all_in_form_and_hide_what_is_hidden() -> None:
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert [json.loads(line)["header"] for line in done.stderr.splitlines()] == ["***"] * 8
