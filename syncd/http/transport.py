"""One HTTP exchange, bounded in time and size, and honest about whether the request may have left.

``requests``' adapter sends prepared requests over pooled connections. Ours are marked once they are up (TLS included): a
failure before that is certain not to have reached the other side, any failure after it is not. The read time-out of a socket is per
read, so a deadline over the whole exchange is kept by shrinking it before every read. Nothing here retries or follows a
redirect, and proxies and certificates are resolved once, at the start.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlencode, urlsplit

import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from syncd import __version__
from syncd.clock import Clock
from syncd.http.limits import Limits

Method = Literal["GET", "POST", "PUT", "DELETE"]
_CHUNK = 65_536
_LENGTH = "Content-Length"
_REQUEST_ID = ("X-Request-Id", "X-Correlation-Id", "CF-Ray")


class HttpAnswer(Struct, frozen=True):
    """A whole answer: status, headers, the decompressed body, the seconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_s: float

    @property
    def request_id(self) -> str | None:
        """What the other side's support asks for, where the answer carries it."""
        return next((self.headers[name] for name in _REQUEST_ID if name in self.headers), None)


class HttpError(Exception):
    """No whole answer. ``connected`` tells whether the request may have left; ``status`` is set where headers came.

    ``ours`` where we kept it back: its intent had grown stale.
    """

    def __init__(
        self, why: str, *, connected: bool, elapsed_s: float = 0.0, status: int | None = None, ours: bool = False
    ) -> None:
        super().__init__(why)
        self.why, self.connected, self.elapsed_s, self.status, self.ours = why, connected, elapsed_s, status, ours


class StaleError(OSError):
    """The request waited too long before its first byte could leave; nothing of it left."""


class Exchange(threading.local):
    """The exchange that the calling thread is in: when it must be over, and whether its connection is up.

    It knows nothing of the connections, which know it: so they are freed with their transport.
    """

    def __init__(self, clock: Clock, deadline: timedelta) -> None:
        self._clock, self._within = clock, deadline
        self._until = 0.0
        self.connected, self.stale = False, False
        self._precondition: Callable[[], bool] = lambda: True

    def begin(self, precondition: Callable[[], bool]) -> float:
        """Begin an exchange now; return the time, as ``now`` does."""
        begun = self.now()
        self._until = begun + self._within.total_seconds()
        self.connected, self.stale, self._precondition = False, False, precondition
        return begun

    def now(self) -> float:
        """Return boot time in seconds."""
        return self._clock.elapsed().seconds

    def remaining(self) -> float:
        """Return the seconds that the exchange may still take.

        Raises:
            TimeoutError: there are none.

        """
        left = self._until - self.now()
        if left <= 0:
            msg = f"no whole answer within {self._within.total_seconds():g} s"
            raise TimeoutError(msg)
        return left

    def leaving(self) -> None:
        """Note that the connection is up and the next byte is the request's: from here on it may have left.

        Raises:
            StaleError: it must not leave any more.

        """
        if not self._precondition():
            self.stale = True
            raise StaleError("it waited too long for its turn; its intent had grown stale")
        self.connected = True


class HttpTransport:
    """The pooled connections to one API; safe to use from many threads."""

    def __init__(
        self, base: str, headers: Mapping[str, str], limits: Limits, clock: Clock, *, connections: int = 10
    ) -> None:
        """Put ``base`` before every path, and send ``headers`` with every request, beside our own."""
        self._limits, self._base = limits, base
        self._exchange = Exchange(clock, limits.deadline)
        self._verify = str(limits.ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH)
        # A server on this machine is asked directly: its token goes to no proxy.
        own = urlsplit(base).scheme == "http"
        proxies = {} if own else {"https": limits.proxy} if limits.proxy else get_environ_proxies(self._base)
        self._proxies = dict(proxies)
        self._adapter = BoundedAdapter(self._exchange, self._verify, connections)
        own_headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"syncd/{__version__}",
        }
        self._use_headers(_merged(own_headers, headers))

    def __repr__(self) -> str:
        """Where it goes; never the token."""
        return f"HttpTransport({self._base})"

    def set_header(self, name: str, value: str) -> None:
        """Send a header with every request from now on, in the place of the one of that name."""
        self._use_headers(_merged(self._headers, {name: value}))

    def _use_headers(self, headers: dict[str, str]) -> None:
        """Send these headers from now on; with a body, its type and length replace theirs."""
        self._headers = headers
        self._headers_of_body = _merged(headers, {"Content-Type": "application/json", _LENGTH: "0"})

    def close(self) -> None:
        """Close every pooled connection."""
        self._adapter.close()

    def send(  # noqa: PLR0913  what one HTTP request is made of
        self,
        method: Method,
        path: str,
        params: Mapping[str, object] | None = None,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        precondition: Callable[[], bool] = lambda: True,
    ) -> HttpAnswer:
        """One exchange, tried once. ``path`` is the part after the base, such as ``/v2/orders``; ``headers`` are this one's alone.

        ``precondition`` is asked after name, connection and TLS, right before the first byte: where it says no, nothing leaves.

        Raises:
            WireError: no whole answer came within the deadline.

        """
        begin = self._exchange.begin(precondition)
        status: int | None = None
        try:
            answer = self._adapter.send(
                self._prepared(method, f"{path}?{urlencode(params)}" if params else path, body, headers),
                stream=True,
                timeout=(self._limits.connect_timeout.total_seconds(), self._limits.deadline.total_seconds()),
                verify=self._verify,
                proxies=self._proxies,
            )
            status = answer.status_code
            content = self._read(answer)
        except (requests.RequestException, HTTPError, OSError, http.client.HTTPException, ValueError) as error:
            raise HttpError(
                _in_words(error),
                connected=self._exchange.connected,
                elapsed_s=self._exchange.now() - begin,
                status=status,
                ours=self._exchange.stale,
            ) from None
        return HttpAnswer(status, answer.headers, content, self._exchange.now() - begin)

    def _prepared(
        self, method: Method, target: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        """Return a request put together by hand: what Session.prepare would add, we know or do not want."""
        prepared = requests.PreparedRequest()
        prepared.method = method
        prepared.url = f"{self._base}{target}"
        # A plain dict: merged once for all requests, and the adapter only hands it on.
        own = self._headers if body is None else self._headers_of_body | {_LENGTH: str(len(body))}
        prepared.headers = cast("Any", _merged(own, headers) if headers else own)
        prepared.body = body
        prepared.hooks = {"response": []}
        return prepared

    def _read(self, answer: requests.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            for part in answer.iter_content(_CHUNK):
                size += len(part)
                if size > self._limits.most_bytes:
                    msg = f"the answer is larger than {self._limits.most_bytes} bytes"
                    raise HttpError(msg, connected=True, status=answer.status_code)
                parts.append(part)
        except BaseException:
            answer.close()
            raise
        return b"".join(parts)


def _merged(*parts: Mapping[str, str]) -> dict[str, str]:
    """Return headers in which a later one replaces an earlier one of its name, in whatever letters that is written."""
    merged: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for part in parts:
        merged.update(part)
    return dict(merged.items())


def _in_words(error: BaseException) -> str:
    """Return the innermost reason, without the addresses and object names that the libraries wrap around it."""
    while isinstance(cause := getattr(error, "reason", None) or (error.args[0] if error.args else None), BaseException):
        error = cause
    inner = error.__cause__ or error.__context__
    if isinstance(error, HTTPError) and isinstance(inner, OSError):
        error = inner
    text = str(error) or type(error).__name__
    return f"{type(error).__name__}: {text[:200]}"


_IDLE_S = 30.0


class _BoundedSocket(socket.socket):
    """A socket whose reads end with the exchange, however slowly the bytes come."""

    exchange: Exchange

    def recv_into(self, *words: Any, **named: Any) -> int:  # noqa: ANN401  handed on as they are
        self.settimeout(self.exchange.remaining())
        return super().recv_into(*words, **named)


class _BoundedTLSSocket(ssl.SSLSocket):
    """The same over TLS; unbounded by itself only during the handshake, which the connection's own time-out bounds."""

    exchange: Exchange | None = None

    def recv_into(self, *words: Any, **named: Any) -> int:  # noqa: ANN401  handed on as they are
        if self.exchange is not None:
            self.settimeout(self.exchange.remaining())
        return super().recv_into(*words, **named)


@cache
def _tls_context(ca_file: str, _changed_at: int) -> ssl.SSLContext:
    """Return the one context of this process for an authority file: each takes a megabyte, and milliseconds to make.

    A file that was renewed since (``_changed_at``) is another one.
    """
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(ca_file)
    context.sslsocket_class = _BoundedTLSSocket
    return context


def _connection_classes(exchange: Exchange, context: ssl.SSLContext) -> tuple[type[HTTPConnection], type[Any]]:
    """Return the plain and the TLS connection, closed over one wire."""

    class _Marking(HTTPConnection):
        idle_since: float = 0.0
        is_tls = False

        def _new_conn(self) -> socket.socket:
            raw = super()._new_conn()
            left = raw.gettimeout()
            bounded = _BoundedSocket(raw.family, raw.type, raw.proto, fileno=raw.detach())
            bounded.settimeout(left)
            bounded.exchange = exchange
            return bounded

        def connect(self) -> None:
            super().connect()
            if isinstance(self.sock, _BoundedTLSSocket):
                self.sock.exchange = exchange
            if not self.is_tls:  # a plain one is opened between putrequest and its first byte, one of TLS before both
                exchange.leaving()

        def putrequest(self, *words: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
            if self.sock is not None:
                exchange.leaving()
            super().putrequest(*words, **named)

    class _MarkingTLS(_Marking, HTTPSConnection):
        is_tls = True

        def __init__(self, *words: Any, **named: Any) -> None:  # noqa: ANN401  handed on, with our context
            super().__init__(*words, **(named | {"ssl_context": context}))

    return _Marking, _MarkingTLS


def _pool_classes(exchange: Exchange, context: ssl.SSLContext) -> dict[str, type[HTTPConnectionPool]]:
    """Return the two pool classes, closed over one wire."""
    plain, secure = _connection_classes(exchange, context)

    class _Idling:
        """Mixed into both pools: remembers when a connection came back."""

        def _get_conn(self, timeout: float | None = None) -> Any:  # noqa: ANN401  a connection of ours
            connection = super()._get_conn(timeout)  # type: ignore[misc]  # the pool that this is mixed into has it
            if connection.idle_since and exchange.now() - connection.idle_since > _IDLE_S:
                connection.close()
            return connection

        def _put_conn(self, connection: Any) -> None:  # noqa: ANN401  a connection of ours
            if connection is not None:
                connection.idle_since = exchange.now()
            super()._put_conn(connection)  # type: ignore[misc]  # the pool that this is mixed into has it

    class Pool(_Idling, HTTPConnectionPool):
        ConnectionCls = cast("Any", plain)

    class TLSPool(_Idling, HTTPSConnectionPool):
        ConnectionCls = cast("Any", secure)

    return {"http": Pool, "https": TLSPool}


class BoundedAdapter(HTTPAdapter):
    """requests' adapter over our pools; it never retries. Every request goes to one host, by one way: it is found once."""

    def __init__(self, exchange: Exchange, ca_file: str, connections: int) -> None:
        self._pool: Any = None  # as requests has it: a pool, of whichever scheme
        self._classes = _pool_classes(exchange, _tls_context(ca_file, Path(ca_file).stat().st_mtime_ns))
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0, pool_block=False)

    def init_poolmanager(self, *words: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
        """Make the pool manager, with our pools."""
        super().init_poolmanager(*words, **named)
        _use(self.poolmanager, self._classes)

    def get_connection_with_tls_context(self, *words: Any, **named: Any) -> Any:  # noqa: ANN401  as requests has it
        """Return the pool of the one host."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*words, **named)
        return self._pool

    def close(self) -> None:
        """Close every connection that idles, now; one in use is closed when it comes back.

        urllib3 would close them once nobody holds their pool any more.
        """
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
        super().close()

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:  # noqa: ANN401  urllib3's
        """Return what we look at of an answer: no cookies, no history, no guess at its encoding; its headers are urllib3's."""
        answer = requests.Response()
        answer.status_code, answer.headers, answer.raw = resp.status, resp.headers, resp
        answer.request = req
        return answer

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:  # noqa: ANN401  as requests has it
        """Return a proxy's pool manager, with our pools."""
        manager = super().proxy_manager_for(proxy, **named)
        _use(manager, self._classes)
        return manager


def _use(manager: PoolManager, classes: dict[str, type[HTTPConnectionPool]]) -> None:
    manager.pool_classes_by_scheme = cast("Any", classes)
