"""The daemon's HTTP server: uvicorn in a thread of its own, ended with the daemon."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from syncd.logs import get_logger
from syncd.web.protocol import BoundedProtocol

_MOST_CONNECTIONS = 200
_END_S = 5.0


@contextmanager
def listening(what: str, host: str, port: int, without: str) -> Iterator[socket.socket | None]:
    """Open a socket for ``what`` (a table of the config); None where it cannot be had: all else goes on, ``without`` it."""
    try:
        listener = socket.create_server(
            (host, port), backlog=128, family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        cure = f"Name another address in [{what}] listen, or end what has it. {without}"
        get_logger().error(f"{what}_cannot_listen", address=f"{host}:{port}", why=error.strerror, cure=cure)
        yield None
        return
    listener.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )  # connections inherit it; else each answer waits 40 ms
    try:
        yield listener
    finally:
        listener.close()


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
