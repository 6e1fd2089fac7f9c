"""Odd arguments, odd configs and outputs that take no more: a line that says what is wrong, and 2; never a traceback or a bug."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.shop import Shop

_HUGE = "9" * 30
_ODD = "\udcff"  # how Python has an argument of the byte 0xff
_WORDS = (
    ("audit", "--from", "9999-12-30", "--to", "9999-12-31"),
    ("audit", "--from", "0001-01-01", "--to", "0001-01-02"),
    ("backfill", "--source", "till", "--from", "9999-12-30", "--to", "9999-12-31"),
    ("backfill", "--source", "till", "--from", "0001-01-01", "--to", "0001-01-02", "--dry-run"),
    ("alerts", "silence", "99999999999d"),
    ("alerts", "silence", f"2h{_ODD}"),
    ("sales", "--day", "9999-12-31"),
    ("sales", "--day", "0001-01-01"),
    ("sales", "--limit", _HUGE),
    ("sync", "--limit", _HUGE),
    ("sale", _ODD),
    ("sale", _HUGE),
    ("skip", _ODD),
    ("link", _ODD),
    ("preview", _ODD),
    ("connect", _ODD),
    ("orders", "show", _HUGE),
    ("orders", "show", "-1"),
    ("orders", "archive", _HUGE),
    ("backfills", "report", _HUGE),
    ("backfills", "cancel", _HUGE),
    ("backfills", "pause", "0"),
    ("ledger", "backup", "/proc/nowhere"),
    ("ledger", "backup", f"/tmp/{_ODD}"),
    ("ledger", "forget", "--email", _ODD),
    ("status", "-c", f"/tmp/{_ODD}"),
    ("status", "-c", "/proc/self/mem"),
    ("status", "-c", "x" * 5000),
    ("sources", "guess", "/proc/self/mem"),
    ("sources", "rename", _ODD, "b"),
    ("init", "--folder", "/proc/nowhere"),
    ("init", "--folder", "/dev/null"),
    ("init", "--folder", "/dev/null", "--redo"),
    ("init", "--folder", "/dev/null", "--add-source"),
    ("demo", "--folder", "/dev/null", "--no-keep"),
    ("sandbox", "--port", "70000"),
    ("sandbox", "--host", "999.1.1.1"),
    ("sandbox", "--db", "/proc/nowhere"),
    ("sandbox", "--catalog", "/dev/null"),
    ("backfills", "report", "1", "--csv", "/proc/nowhere"),
    ("config", "show", _ODD),
    ("web", "password", _ODD),
    ("service",),
    (_ODD,),
    ("--log-level", _ODD, "status"),
)


def _ends_in_words(shop: Shop, *words: str) -> int:
    done = shop.run(*words)
    assert "this is a bug" not in done.err, done.err
    assert done.code in (0, 1, 2, 3, 4), (done.code, done.err)
    assert done.code == 0 or len(done.err.splitlines()) <= 6 or "Usage:" in done.err, done.err
    return done.code


@pytest.fixture
def sold(shop: Shop) -> Shop:
    shop.drop("a.jsonl", sale(source="till", sale_id="a").to_json() + "\n")
    shop.run("sync")
    return shop


@pytest.mark.parametrize("words", _WORDS, ids=lambda words: ascii(" ".join(words))[:60])
def test_odd_arguments_end_in_words(sold: Shop, words: tuple[str, ...]) -> None:
    code = _ends_in_words(sold, *words)
    assert code == 2 or _ODD not in "".join(words)


_CONFIGS = (
    ('push_every = "9999999999d"', "service"),
    ("push_every = 1e300", "service"),
    ("push_every = nan", "service"),
    ("push_every = inf", "service"),
    ("push_every = -5", "service"),
    ('listen = "127.0.0.1:99999"', "web"),
    ('listen = "127.0.0.1:-1"', "web"),
    ('listen = "999.999.1.1:80"', "web"),
    ('listen = "[::1:80"', "web"),
    ('listen = "::1"', "web"),
    ('listen = "1.2.3:80"', "web"),
    ('listen = "127.0.0.1:99999"', "intake"),
    ('url = "http://[x"', "web"),
    ('url = "https://"', "web"),
    ('url = "sqlite:///a\\u0000b"', "ledger"),
    ('url = "postgresql://h:99999/x"', "ledger"),
    ('url = "postgresql://[x/y"', "ledger"),
    ('url = ""', "ledger"),
    ('urls = ["mailto://in-clear"]', "alerts"),
    ('digest = "25:00"', "alerts"),
    ('heartbeat = { env = "A\\u0000B" }', "alerts"),
    ('heartbeat = { env = "" }', "alerts"),
    ('heartbeat = { file = "\\u0000" }', "alerts"),
    ("certificate = 5", "web"),
    (f"x = {'[' * 5000}{']' * 5000}", "web"),
    ('level = "\\ud800"', "log"),
    ("keep_history = 99999999999999999999", "ledger"),
)


@pytest.mark.parametrize(("line", "table"), _CONFIGS, ids=lambda value: ascii(value)[:40])
def test_odd_configs_end_in_words(sold: Shop, line: str, table: str) -> None:
    text = sold.config.read_text()
    if f"[{table}]" in text:
        head = line.partition(" =")[0]
        text = "\n".join(one for one in text.splitlines() if not one.startswith(f"{head} ="))
        text = text.replace(f"[{table}]", f"[{table}]\n{line}").replace("enabled = false", "enabled = true")
    else:
        text = f"[{table}]\n{line}\n{text}"
    sold.config.write_text(text)
    for words in (("status",), ("check",), ("config", "show", "--all")):
        _ends_in_words(sold, *words)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api_url", "http://[x"),
        ("api_url", "http://127.0.0.1:99999"),
        ("api_url", "https://a b"),
        ("api_url", "https://"),
        ("proxy", "http://[x"),
        ("proxy", "nonsense"),
        ("ca_file", "\\u0000"),
        ("ca_file", "/no/such/file.pem"),
        ("aliases", "\\u0000"),
        ("store_hash", "\\u0000"),
        ("deadline", "99999999d"),
        ("settle", "1e999"),
    ],
)
def test_odd_keys_of_a_store_end_in_words(sold: Shop, key: str, value: str) -> None:
    lines = [line for line in sold.config.read_text().splitlines() if not line.startswith(f"{key} =")]
    place = lines.index("[stores.main]")
    sold.config.write_text("\n".join([*lines[: place + 1], f'{key} = "{value}"', *lines[place + 1 :]]))
    for words in (("status",), ("check",), ("sync",)):
        _ends_in_words(sold, *words)


@pytest.mark.parametrize("path", ["\\u0000", "x" * 5000, "/proc/self/mem", "/dev/null", "/"])
def test_odd_folders_of_a_source_end_in_words(sold: Shop, path: str) -> None:
    sold.config.write_text(sold.config.read_text().replace('path = "inbox"', f'path = "{path}"'))
    for words in (("status",), ("check",), ("sync",), ("sources", "list")):
        _ends_in_words(sold, *words)


@pytest.mark.parametrize(
    "words", [("status",), ("sales", "--json"), ("man",), ("config", "show"), ("version",)], ids=" ".join
)
def test_an_output_that_takes_no_more_is_said_in_a_line(sold: Shop, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "syncd", *words]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=sold.env, cwd=sold.folder, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith("syncd: the output could not be written: No space left on device")
    assert len(done.stderr.splitlines()) == 2


def test_a_reader_that_goes_away_is_no_error(sold: Shop) -> None:
    command = f"{sys.executable} -m syncd man | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        env=sold.env,
        cwd=sold.folder,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_argument_of_other_bytes_is_refused_by_the_real_command(sold: Shop) -> None:
    command = [sys.executable.encode(), b"-m", b"syncd", b"sale", b"caf\xe9"]
    done = subprocess.run(command, capture_output=True, env=sold.env, cwd=sold.folder, check=False)
    assert done.returncode == 2
    assert b"argument 2 is not UTF-8 text" in done.stderr


def test_a_long_sync_shows_how_far_it_is(shop: Shop) -> None:
    shop.drop("a.jsonl", "".join(sale(source="till", sale_id=f"s{n}").to_json() + "\n" for n in range(600)))
    shown = shop.show("sync")
    assert "reading till" in shown
    assert "sending to main" in shown
    assert re.search(r"\d+/600", shown)
    assert "600 new sales" in shown.replace("\n", " ")
