"""Webhooks at a real daemon: what is taken is an order within a second, what is refused costs next to nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.sources.push import sign
from syncd.testing.orders import sale
from tests.doubles.square import SquareDouble
from tests.shop import Shop, Store, running_sandbox

_SECRET = "a-secret-that-both-know"
_KEY = "square-signature-key"
_URL = "https://shop.example.com/intake/square"
_PUSH = """
[intake]
listen = "127.0.0.1:0"

[sources.own]
type = "push"
secret = { env = "PUSH_SECRET" }
"""
_SQUARE = """
[sources.square]
type = "square"
api_url = "{url}"
token = {{ env = "SQUARE_TOKEN" }}
every = "1h"
start_from = "2020-01-01"
[sources.square.webhook]
signature_key = {{ env = "SQUARE_KEY" }}
url = "{notify}"
"""


@dataclass
class Daemon:
    """A running daemon with its door open."""

    shop: Shop
    process: subprocess.Popen[bytes]
    url: str

    def log(self) -> str:
        return (self.shop.folder / "daemon.log").read_text()

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1000

    def post(self, body: bytes, source: str = "own", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(f"{self.url}/intake/{source}", body, headers=named, timeout=10)

    def push(self, document: Any, *, at: float | None = None, secret: str = _SECRET) -> requests.Response:
        body, stamp = json.dumps(document).encode(), str(int(at if at is not None else time.time()))
        return self.post(body, X_Syncd_Timestamp=stamp, X_Syncd_Signature=sign(secret, stamp, body))


@contextmanager
def running(folder: Path, store: Store, sources: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    for name, value in {"PUSH_SECRET": _SECRET, "SQUARE_KEY": _KEY, "SQUARE_TOKEN": "token-of-the-double-1"}.items():
        monkeypatch.setenv(name, value)
    shop = Shop(folder, store)
    shop.configure(sources)
    process = shop.start("run")
    try:
        log, found = folder / "daemon.log", None
        until = time.monotonic() + 30
        while found is None and time.monotonic() < until:
            found = re.search(r"127\.0\.0\.1:(\d+)\".*intake_listens", log.read_text() if log.exists() else "")
            time.sleep(0.02)
        assert found, log.read_text()
        yield Daemon(shop, process, f"http://127.0.0.1:{found[1]}")
    finally:
        process.terminate()
        assert process.wait(20) == 0
        assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_sandbox() as (_, found):
        yield found


def test_a_daemon_whose_ledger_was_lost_lists_the_store_and_goes_on_from_the_newest_order(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.control("reset", {})
    with SquareDouble() as square:
        square.clock.jump((datetime.now(UTC) - square.clock.now()).total_seconds() - 7_200)
        before = square.sell(2)
        sources = _PUSH.partition("[sources")[0] + _SQUARE.format(url=square.url, notify=_URL)
        with running(tmp_path, store, sources, monkeypatch):
            assert len(orders_of(store, 2)) == 2
        square.clock.jump(3_600)
        sold = square.sell(3)
        (tmp_path / "ledger.db").unlink()
        from_now = sources.replace('start_from = "2020-01-01"\n', "")
        with running(tmp_path, store, from_now, monkeypatch):  # polled once an hour: it is not left for the next turn
            keys = {order["external_order_id"] for order in orders_of(store, 5)}
        assert keys == {f"square:{key}" for key in (*before, *sold)}
        assert len(store.orders()) == 5


@pytest.fixture
def daemon(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    store.control("reset", {})
    with running(tmp_path, store, _PUSH, monkeypatch) as found:
        yield found


def a_sale(number: str, **changes: Any) -> Any:
    at = datetime.now(UTC).isoformat()
    return json.loads(sale(source="own", sale_id=number, placed_at=at, **changes).to_json())


def orders_of(store: Store, many: int, within_s: float = 20) -> list[dict[str, Any]]:
    until = time.monotonic() + within_s
    while len(found := store.orders()) < many and time.monotonic() < until:
        time.sleep(0.02)
    return found


def test_a_signed_sale_becomes_an_order_and_sent_again_it_stays_one(daemon: Daemon, store: Store) -> None:
    answers = [daemon.push(a_sale("1")) for _ in range(2)]
    assert [(one.status_code, one.json()) for one in answers] == [(200, {"sales": 1})] * 2
    assert daemon.push([a_sale("2"), a_sale("3")]).json() == {"sales": 2}
    assert sorted(order["external_order_id"] for order in orders_of(store, 3)) == ["own:1", "own:2", "own:3"]


def test_a_posted_sale_is_wanted_however_old_it_is(daemon: Daemon, store: Store) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert daemon.push({**a_sale("1"), "placed_at": yesterday}).json() == {"sales": 1}
    assert len(orders_of(store, 1)) == 1


def test_what_cannot_be_read_is_told_to_its_sender_beside_what_was_taken(daemon: Daemon, store: Store) -> None:
    answer = daemon.push([a_sale("1"), {"sale_id": "2"}])
    assert answer.status_code == 422
    assert (answer.json()["sales"], len(answer.json()["faults"])) == (1, 1)
    assert len(orders_of(store, 1)) == 1
    assert len(daemon.shop.run("faults", "--json").json) == 1


def test_forged_old_and_unsigned_deliveries_are_refused_and_told_together(daemon: Daemon) -> None:
    body = json.dumps(a_sale("1")).encode()
    now = str(int(time.time()))
    refused = [
        daemon.push(a_sale("1"), secret="another secret"),
        daemon.push(a_sale("1"), at=time.time() - 3600),
        daemon.post(body),
        daemon.post(body, X_Syncd_Timestamp=now, X_Syncd_Signature="sha256="),
        daemon.post(body + b" ", X_Syncd_Timestamp=now, X_Syncd_Signature=sign(_SECRET, now, body)),
        daemon.post(body, X_Syncd_Timestamp="-1", X_Syncd_Signature=sign(_SECRET, "-1", body)),
    ]
    assert [one.status_code for one in refused] == [401] * len(refused)
    assert daemon.post(body, source="nobody").status_code == 404
    assert requests.get(f"{daemon.url}/intake/own", timeout=5).status_code == 405
    assert daemon.log().count("deliveries_refused") == 1
    assert daemon.shop.run("sales", "--json").json == []


def test_what_is_too_large_or_too_slow_is_cut_off(daemon: Daemon) -> None:
    assert daemon.post(b"x" * (1024 * 1024 + 1)).status_code == 413

    def parts() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    try:
        answer = requests.post(f"{daemon.url}/intake/own", parts(), timeout=10)
    except requests.ConnectionError:
        pass  # it was cut off while it sent
    else:
        assert answer.status_code == 413
    address = ("127.0.0.1", int(daemon.url.rpartition(":")[2]))
    begun = time.monotonic()
    with socket.create_connection(address) as silent, socket.create_connection(address) as slow:
        slow.sendall(b"POST /intake/own HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow")
        slow.settimeout(20)
        assert b"408" in slow.recv(4096).split(b"\r\n")[0]
        silent.settimeout(20)
        assert _end_of(silent) == b""
    assert time.monotonic() - begun < 20
    with socket.create_connection(address) as endless:
        endless.settimeout(10)
        with pytest.raises(ConnectionError):
            _fill(endless)
    assert daemon.push(a_sale("1")).status_code == 200


def _end_of(line: socket.socket) -> bytes:
    try:
        return line.recv(1)
    except ConnectionResetError:
        return b""


def _fill(line: socket.socket) -> None:
    line.sendall(b"POST /intake/own HTTP/1.1\r\n")
    for _ in range(10_000):
        line.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")


def test_two_thousand_malformed_requests_cause_no_500_and_leave_memory_flat(daemon: Daemon, store: Store) -> None:
    dice = random.Random(7)
    statuses = _malformed(daemon, dice, 300)
    before = daemon.resident_mb()
    statuses |= _malformed(daemon, dice, 1700)
    assert not {status for status in statuses if status >= 500}
    assert daemon.resident_mb() - before < 8
    while (answer := daemon.push(a_sale("1"))).status_code == 429:  # a fast machine has used up the door's room
        time.sleep(float(answer.headers["Retry-After"]))
    assert answer.status_code == 200
    until = time.monotonic() + 20
    while (keys := [order["external_order_id"] for order in store.orders()]).count("own:1") < 1:
        assert time.monotonic() < until, keys
        time.sleep(0.02)
    assert len(keys) == len(set(keys))  # a byte that was changed may have left a sale of number 9 that is one


def _malformed(daemon: Daemon, dice: random.Random, many: int) -> set[int]:
    """Signed bodies of any shape, raw bytes in place of a request, odd heads, odd paths."""
    statuses: set[int] = set()
    good = json.dumps(a_sale("9")).encode()
    address = ("127.0.0.1", int(daemon.url.rpartition(":")[2]))
    for number in range(many):
        body = _odd_body(dice, good)
        stamp = str(int(time.time()))
        signature = sign(_SECRET, stamp, body)
        if number % 3 == 0:
            heads = b"POST /intake/own HTTP/1.1\r\nHost: x\r\nContent-Length: " + dice.choice(
                (b"-1", b"9" * 30, b"x", b"5")
            )
            raw = dice.choice(
                (os.urandom(200), heads + b"\r\n\r\n" + body[:5], b"GET /%ff\xff HTTP/1.1\r\n\r\n", b"\0" * 50)
            )
            with socket.create_connection(address) as line:
                line.settimeout(5)
                line.sendall(raw + b"\r\n\r\n")
                line.shutdown(socket.SHUT_WR)
                try:
                    first = line.recv(4096).split(b"\r\n")[0].split()
                except ConnectionResetError:
                    continue
                statuses |= {int(first[1])} if len(first) > 1 and first[1].isdigit() else set()
        else:
            answer = daemon.post(body, X_Syncd_Timestamp=stamp, X_Syncd_Signature=signature)
            statuses.add(answer.status_code)
    return statuses


def _odd_body(dice: random.Random, good: bytes) -> bytes:
    cut = dice.randint(0, len(good) - 1)
    return dice.choice(
        (
            good[:cut],
            good[:cut] + bytes([dice.randrange(256)]) + good[cut + 1 :],
            b"[" * 5000,
            b"{}",
            b"[1, null, true, [], {}]",
            b'{"sale_id": {"a": 1}, "total_inc_tax": 1e999, "placed_at": -5}',
            b"\xff\xfe",
            b"",
            b'"text"',
            b"[NaN, Infinity]",
        )
    )


def test_a_sale_at_a_square_till_is_an_order_within_a_second_of_its_webhook(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.control("reset", {})
    with SquareDouble() as square:
        square.clock.jump((datetime.now(UTC) - square.clock.now()).total_seconds())
        sources = _PUSH.partition("[sources")[0] + _SQUARE.format(url=square.url, notify=_URL)
        with running(tmp_path, store, sources, monkeypatch) as daemon:
            for number in range(1, 11):
                square.clock.jump((datetime.now(UTC) - square.clock.now()).total_seconds() - 1)
                (key,) = square.sell(1)
                assert _notify(daemon, key).status_code == 200
                found = orders_of(store, number)
                assert len(found) == number
            assert _notify(daemon, key).status_code == 200  # replayed
            assert _notify(daemon, key, signed="x").status_code == 401
            time.sleep(0.3)
        assert len(store.orders()) == 10
        told = sorted(order["external_order_id"] for order in store.orders())
        assert told == sorted(f"square:{made}" for made in square.made)


def _notify(daemon: Daemon, order: str, signed: str | None = None) -> requests.Response:
    payment = {"id": f"PAY-{order}", "order_id": order, "status": "COMPLETED"}
    event = {"type": "payment.updated", "event_id": order, "data": {"type": "payment", "object": {"payment": payment}}}
    body = json.dumps(event).encode()
    proof = base64.b64encode(hmac.new(_KEY.encode(), _URL.encode() + body, hashlib.sha256).digest()).decode()
    return daemon.post(body, source="square", x_square_hmacsha256_signature=signed or proof)
