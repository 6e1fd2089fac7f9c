"""Connections that say when they are up, sockets that keep the exchange's deadline, pools that drop what idled too long.

urllib3's own classes with four additions: a last question and a mark once a connection (TLS included) is up; the time that is
left, set before every read; connections idle for more than 30 s closed instead of reused (a peer may have dropped them without
a word); one TLS context, loaded once. Nothing here can turn verification off.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any, Protocol, cast

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

_IDLE_S = 30.0


class Deadlines(Protocol):
    """Whoever knows the exchange that the calling thread is in."""

    def remaining(self) -> float:
        """Seconds left; raises TimeoutError where there are none."""
        ...

    def leaving(self) -> None:
        """The connection is up, and the next byte is the request's; raises where it must not leave any more."""
        ...

    def now(self) -> float:
        """Boot time in seconds."""
        ...


class _BoundedSocket(socket.socket):
    """A socket whose reads end with the exchange, however slowly the bytes come."""

    deadlines: Deadlines

    def recv_into(self, *words: Any, **named: Any) -> int:  # noqa: ANN401  handed on as they are
        self.settimeout(self.deadlines.remaining())
        return super().recv_into(*words, **named)


def _bounded_tls(deadlines: Deadlines) -> type[ssl.SSLSocket]:
    class BoundedTLSSocket(ssl.SSLSocket):
        def recv_into(self, *words: Any, **named: Any) -> int:  # noqa: ANN401  handed on as they are
            self.settimeout(deadlines.remaining())
            return super().recv_into(*words, **named)

    return BoundedTLSSocket


def _tls_context(ca_file: str, deadlines: Deadlines) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(ca_file)
    context.sslsocket_class = _bounded_tls(deadlines)
    return context


def _connection_classes(deadlines: Deadlines, context: ssl.SSLContext) -> tuple[type[HTTPConnection], type[Any]]:
    """The plain and the TLS connection, closed over one wire."""

    class _Marking(HTTPConnection):
        idle_since: float = 0.0
        is_tls = False

        def _new_conn(self) -> socket.socket:
            raw = super()._new_conn()
            left = raw.gettimeout()
            bounded = _BoundedSocket(raw.family, raw.type, raw.proto, fileno=raw.detach())
            bounded.settimeout(left)
            bounded.deadlines = deadlines
            return bounded

        def connect(self) -> None:
            super().connect()
            if not self.is_tls:  # a plain one is opened between putrequest and its first byte, one of TLS before both
                deadlines.leaving()

        def putrequest(self, *words: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
            if self.sock is not None:
                deadlines.leaving()
            super().putrequest(*words, **named)

    class _MarkingTLS(_Marking, HTTPSConnection):
        is_tls = True

        def __init__(self, *words: Any, **named: Any) -> None:  # noqa: ANN401  handed on, with our context
            super().__init__(*words, **(named | {"ssl_context": context}))

    return _Marking, _MarkingTLS


def _pool_classes(deadlines: Deadlines, context: ssl.SSLContext) -> dict[str, type[HTTPConnectionPool]]:
    """The two pool classes, closed over one wire."""
    plain, secure = _connection_classes(deadlines, context)

    class _Idling:
        """Mixed into both pools: remembers when a connection came back."""

        def _get_conn(self, timeout: float | None = None) -> Any:  # noqa: ANN401  a connection of ours
            connection = super()._get_conn(timeout)  # type: ignore[misc]  # the pool that this is mixed into has it
            if connection.idle_since and deadlines.now() - connection.idle_since > _IDLE_S:
                connection.close()
            return connection

        def _put_conn(self, connection: Any) -> None:  # noqa: ANN401  a connection of ours
            if connection is not None:
                connection.idle_since = deadlines.now()
            super()._put_conn(connection)  # type: ignore[misc]  # the pool that this is mixed into has it

    class Pool(_Idling, HTTPConnectionPool):
        ConnectionCls = cast("Any", plain)

    class TLSPool(_Idling, HTTPSConnectionPool):
        ConnectionCls = cast("Any", secure)

    return {"http": Pool, "https": TLSPool}


class BoundedAdapter(HTTPAdapter):
    """requests' adapter over our pools; it never retries. Every request goes to one host, by one way: it is found once."""

    def __init__(self, deadlines: Deadlines, ca_file: str, connections: int) -> None:
        self._pool: Any = None  # as requests has it: a pool, of whichever scheme
        self._classes = _pool_classes(deadlines, _tls_context(ca_file, deadlines))
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0, pool_block=False)

    def init_poolmanager(self, *words: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
        """The pool manager, with our pools."""
        super().init_poolmanager(*words, **named)
        _use(self.poolmanager, self._classes)

    def get_connection_with_tls_context(self, *words: Any, **named: Any) -> Any:  # noqa: ANN401  as requests has it
        """The pool of the one host."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*words, **named)
        return self._pool

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:  # noqa: ANN401  urllib3's
        """What we look at of an answer: no cookies, no history, no guess at its encoding."""
        answer = requests.Response()
        answer.status_code, answer.headers, answer.raw = resp.status, CaseInsensitiveDict(resp.headers), resp
        answer.request = req
        return answer

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:  # noqa: ANN401  as requests has it
        """A proxy's pool manager, with our pools."""
        manager = super().proxy_manager_for(proxy, **named)
        _use(manager, self._classes)
        return manager


def _use(manager: PoolManager, classes: dict[str, type[HTTPConnectionPool]]) -> None:
    manager.pool_classes_by_scheme = cast("Any", classes)
