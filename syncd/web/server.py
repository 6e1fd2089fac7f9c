"""The daemon's HTTP server: uvicorn in a thread of its own, ended with the daemon."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import uvicorn
from msgspec import Struct
from starlette.applications import Starlette

from syncd.clock import Clock
from syncd.logs import get_logger
from syncd.web.protocol import BoundedProtocol

_MOST_CONNECTIONS = 200
_END_S = 5.0
_AGAIN_S = 60.0


class ListenAddress(Struct, frozen=True):
    """Where something is served: a table of the config, its address, a certificate with its key, and what goes on without it."""

    what: str
    host: str
    port: int
    without: str
    tls: tuple[Path, Path] | None = None


@contextmanager
def kept_open(address: ListenAddress, app_of: Callable[[int], Starlette], clock: Clock) -> Iterator[bool]:
    """Serve an application, made for the port that was got, until the end of the block; False where it is not served yet.

    An address that something else has is tried again each minute: all else goes on meanwhile.
    """
    with ExitStack() as stack:
        is_open = _open(address, app_of, stack)
        if not is_open:
            stop = threading.Event()
            again = partial(_try_again, address, app_of, clock, stop)
            thread = threading.Thread(target=again, name=f"{address.what} opens", daemon=True)
            thread.start()
            stack.callback(thread.join, _END_S + 2)
            stack.callback(stop.set)
        yield is_open


def _try_again(address: ListenAddress, app_of: Callable[[int], Starlette], clock: Clock, stop: threading.Event) -> None:
    with ExitStack() as stack:
        while not clock.wait(stop, _AGAIN_S):
            if _open(address, app_of, stack, is_told=True):
                stop.wait()
                return


def _open(
    address: ListenAddress, app_of: Callable[[int], Starlette], stack: ExitStack, *, is_told: bool = False
) -> bool:
    """Serve until the stack is closed; False, and said in the log, where the address cannot be had."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server((address.host, address.port), backlog=128, family=family)
    except OSError as error:
        if not is_told:
            cure = (
                f"Name another address in [{address.what}] listen, or end what has it: it is tried again each minute."
            )
            where = f"{address.host}:{address.port}"
            get_logger().error(
                f"{address.what}_cannot_listen", address=where, why=error.strerror, cure=f"{cure} {address.without}"
            )
        return False
    stack.enter_context(closing(listener))
    listener.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )  # connections inherit it; else each answer waits 40 ms
    stack.enter_context(serving(app_of(listener.getsockname()[1]), listener, address.what, address.tls))
    return True


@contextmanager
def serving(app: Starlette, listener: socket.socket, what: str, tls: tuple[Path, Path] | None = None) -> Iterator[None]:
    """Serve ``app`` until the end of the block, over TLS with a certificate and its key."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # a malformed request is no news of ours
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=int(_END_S),
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name=what, daemon=True)
    thread.start()
    host, port = listener.getsockname()[:2]
    get_logger().info(f"{what}_listens", address=f"{host}:{port}")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_END_S + 1)
