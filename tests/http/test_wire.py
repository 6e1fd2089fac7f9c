"""One exchange against a raw socket that misbehaves in every way that a network can: is it certain, or unknown?"""

from __future__ import annotations

import gc
import gzip
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import trustme

from syncd.bigcommerce.api import Api, store_wire
from syncd.bigcommerce.client import OrdersClient, Sending
from syncd.bigcommerce.governor import QuotaGovernor
from syncd.bigcommerce.outcome import Accepted, Barred, NotSent, Outcome, Refused, Unknown
from syncd.bigcommerce.settings import ConnectionSettings
from syncd.clock import SystemClock
from syncd.http.limits import Limits
from syncd.http.transport import HttpTransport

Handler = Callable[[socket.socket], None]
BODY = b'{"id": 7, "external_order_id": "till:1", "total_inc_tax": "1.0000"}'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


class Server:
    """Answers each connection with a handler, and counts the requests that it read."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._handler, self._tls = handler, tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, raw: socket.socket) -> None:
        with suppress(OSError), raw:
            connection = self._tls.wrap_socket(raw, server_side=True) if self._tls else raw
            with connection:
                while self._read(connection):
                    self._handler(connection)

    def _read(self, connection: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (part := connection.recv(65536)):
                return False
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return True

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(handler, tls)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRE_TOKEN", "secret-token")


QUICK = {
    "connect_timeout": "1500ms",
    "deadline": "1600ms",
}  # shorter than the slowest misbehaviour, longer than a busy machine's pause


def settings(url: str, **changes: object) -> ConnectionSettings:
    fields: dict[str, object] = {
        "store_hash": "abc",
        "token": {"env": "WIRE_TOKEN"},
        "api_url": url,
        "connect_timeout": "5s",
        "deadline": "5s",
    }
    return ConnectionSettings.model_validate(fields | changes)


def client(url: str, **changes: object) -> OrdersClient:
    clock = SystemClock()
    return OrdersClient(Api(store_wire(settings(url, **changes), clock), QuotaGovernor(clock, 1.0), clock))


def create(orders: OrdersClient) -> Outcome:
    return orders.create({"external_order_id": "till:1"}, Sending()).outcome


def says(*parts: bytes, pause: float = 0.0, close: bool = False) -> Handler:
    def handle(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        if close:
            connection.close()

    return handle


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def compressed(size: int) -> bytes:
    body = gzip.compress(b" " * size)
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


MISBEHAVIOURS: dict[str, Handler] = {
    "closes without a word": says(close=True),
    "resets": reset,
    "says half a status line": says(b"HTTP/1.1 20", close=True),
    "says no HTTP": says(b"SSH-2.0-OpenSSH_9.0\r\n", close=True),
    "says headers and no body": says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", close=True),
    "says half a body": says(OK[:-10], close=True),
    "says a broken chunk": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", close=True),
    "says nothing": says(pause=3.0, close=True),
    "drips its headers": says(*(OK[i : i + 1] for i in range(60)), pause=0.1, close=True),
    "drips its body": says(OK[:-40], *(OK[-40:][i : i + 1] for i in range(40)), pause=0.1, close=True),
    "endless headers": says(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 500, close=True),
    "a body that unpacks to a gigabyte": says(compressed(200_000_000), close=True),
    "garbled gzip": says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", close=True),
    "a redirect": says(b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"),
    "502": says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
    "a login page": says(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>"),
}


@pytest.mark.parametrize("how", MISBEHAVIOURS)
def test_whatever_goes_wrong_after_the_request_has_left_is_unknown_and_never_sent_again(how: str) -> None:
    with serving(MISBEHAVIOURS[how]) as server:
        outcome = create(client(f"http://127.0.0.1:{server.port}", **QUICK))
        assert isinstance(outcome, Unknown), outcome
        assert len(server.requests) == 1
        assert server.connections == 1


def test_a_whole_answer_is_accepted_and_its_connection_used_again() -> None:
    with serving(says(OK)) as server:
        orders = client(f"http://127.0.0.1:{server.port}")
        assert isinstance(create(orders), Accepted)
        assert isinstance(create(orders), Accepted)
        assert (len(server.requests), server.connections) == (2, 1)


def test_a_header_in_other_letters_replaces_ours_and_is_sent_once() -> None:
    with serving(says(OK)) as server:
        limits = Limits(timedelta(seconds=5), timedelta(seconds=5))
        url, said = f"http://127.0.0.1:{server.port}", {"accept": "text/plain", "USER-AGENT": "till"}
        said |= {"content-type": "text/plain", "content-LENGTH": "99"}
        wire = HttpTransport(url, said, limits, SystemClock())
        wire.send("POST", "/v2/orders", body=b"{}")
        wire.set_header("Accept", "text/csv")
        answer = wire.send("POST", "/v2/orders", body=b"{}", headers={"content-type": "text/json", "Accept": "a/b"})
        plain, sent = server.requests
        for one in server.requests:
            names = [line.partition(b":")[0].lower() for line in one.splitlines()[1:] if b":" in line]
            assert len(names) == len(set(names))
        assert b"Content-Type: application/json\r\nContent-Length: 2\r\n" in plain
        assert b"a/b" in sent
        assert b"text/json" in sent
        assert b": till\r\n" in sent
        assert answer.headers["CONTENT-type"] == "application/json"


def test_the_request_carries_the_token_and_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(says(OK)) as server:
        create(client(f"http://127.0.0.1:{server.port}"))
        (request,) = server.requests
        assert b"X-Auth-Token: secret-token" in request
        assert b"Authorization:" not in request
        assert request.startswith(b"POST /stores/abc/v2/orders HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_told_from_a_refused_sale(status: int) -> None:
    with serving(says(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)) as server:
        assert isinstance(create(client(f"http://127.0.0.1:{server.port}")), Barred)


def test_an_interim_answer_is_passed_over() -> None:
    refused = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\n{}"
    with serving(says(refused)) as server:
        assert isinstance(create(client(f"http://127.0.0.1:{server.port}")), Refused)


def test_a_port_where_nobody_listens_means_not_sent() -> None:
    with serving(says(OK)) as server:
        port = server.port
    assert isinstance(create(client(f"http://127.0.0.1:{port}")), NotSent)


def test_a_name_that_does_not_exist_means_not_sent() -> None:
    assert isinstance(create(client("https://no-such-host.invalid")), NotSent)


def test_a_peer_that_never_takes_the_connection_means_not_sent() -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        with suppress(BlockingIOError):
            one.connect(full.getsockname())
    outcome = create(client(f"http://127.0.0.1:{full.getsockname()[1]}", **QUICK))
    for one in (*waiting, full):
        one.close()
    assert isinstance(outcome, NotSent), outcome


def test_a_connection_that_the_peer_closed_while_it_idled_costs_no_second_request() -> None:
    def once(connection: socket.socket) -> None:
        connection.sendall(OK)
        connection.close()

    with serving(once) as server:
        orders = client(f"http://127.0.0.1:{server.port}")
        assert isinstance(create(orders), Accepted)
        time.sleep(0.1)
        outcome = create(orders)
        assert isinstance(outcome, Accepted | Unknown | NotSent)
        assert len(server.requests) <= 2


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def test_a_certificate_of_our_own_authority_is_trusted(authority: trustme.CA, ca_file: Path) -> None:
    with serving(says(OK), tls(authority, "localhost")) as server:
        assert isinstance(create(client(f"https://localhost:{server.port}", ca_file=ca_file)), Accepted)


def test_a_certificate_that_nobody_vouches_for_means_not_sent(authority: trustme.CA) -> None:
    with serving(says(OK), tls(authority, "localhost")) as server:
        outcome = create(client(f"https://localhost:{server.port}"))
        assert isinstance(outcome, NotSent)
        assert "certificate" in outcome.why.lower()
        assert server.requests == []


def test_a_certificate_for_another_name_means_not_sent(authority: trustme.CA, ca_file: Path) -> None:
    with serving(says(OK), tls(authority, "elsewhere.example")) as server:
        assert isinstance(create(client(f"https://localhost:{server.port}", ca_file=ca_file)), NotSent)
        assert server.requests == []


def test_over_tls_too_the_deadline_is_over_the_whole_exchange(authority: trustme.CA, ca_file: Path) -> None:
    drip = says(OK[:-40], *(OK[-40:][i : i + 1] for i in range(40)), pause=0.1, close=True)
    with serving(drip, tls(authority, "localhost")) as server:
        assert isinstance(create(client(f"https://localhost:{server.port}", ca_file=ca_file, **QUICK)), Unknown)


def test_an_intent_that_grew_stale_is_not_sent() -> None:
    with serving(says(OK)) as server:
        reply = client(f"http://127.0.0.1:{server.port}").create({}, Sending(precondition=lambda: False))
        assert isinstance(reply.outcome, NotSent)
        assert server.requests == []


@pytest.mark.parametrize("secure", [False, True])
def test_whether_an_intent_is_fresh_is_asked_after_name_connection_and_tls(
    secure: bool, authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = threading.Event()
    look_up = socket.getaddrinfo

    def slow(*words: object, **named: object) -> object:
        stale.set()  # by the time that the name is found, the intent has grown old
        return look_up(*words, **named)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with serving(says(OK), tls(authority, "localhost") if secure else None) as server:
        orders = client(f"http{'s' if secure else ''}://localhost:{server.port}", ca_file=ca_file)
        reply = orders.create({}, Sending(precondition=lambda: not stale.is_set()))
        assert isinstance(reply.outcome, NotSent), reply.outcome
        assert "stale" in reply.outcome.why
        assert server.requests == []


def test_plain_http_to_another_machine_is_refused_by_the_config() -> None:
    with pytest.raises(ValueError, match="https"):
        settings("http://api.bigcommerce.com")


def test_the_token_shows_in_no_repr() -> None:
    kept = settings("https://api.bigcommerce.com")
    assert "secret-token" not in repr(kept) + str(kept) + repr(store_wire(kept, SystemClock()))
    assert kept.deadline == timedelta(seconds=5)


def _open_to(port: int) -> int:
    """How many connections of this process lead to a port."""
    return sum(bool(one.raddr) and one.raddr.port == port for one in psutil.Process().net_connections("tcp"))


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("secure", [False, True])
def test_a_transport_that_is_closed_or_forgotten_leaves_no_connection_and_no_memory(
    secure: bool, closed: bool, tmp_path: Path
) -> None:
    """A fleet opens and closes the connections of thousands of stores; a reload those of every source."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(says(OK), context if secure else None) as server:
        base = f"http{'s' if secure else ''}://127.0.0.1:{server.port}"
        clock, kept = SystemClock(), []
        for _ in range(3):
            wire = store_wire(settings(base, ca_file=str(tmp_path / "ca.pem")), clock)
            for _ in range(2):
                assert wire.send("GET", "/x").status == 200
            if closed:
                wire.close()
                assert _open_to(server.port) == 0
            kept.append(weakref.ref(wire))
        assert wire.send("GET", "/x").status == 200, "whoever asks again after a close is answered"
        del wire
        gc.collect()
        assert [one() for one in kept] == [None] * 3
        assert _open_to(server.port) == 0
