"""The daemon's HTTP server: uvicorn in a thread of its own, ended with the daemon."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from syncd.logs import get_logger
from syncd.web.protocol import BoundedProtocol

_MOST_CONNECTIONS = 200
_END_S = 5.0


@contextmanager
def serving(app: Starlette, host: str, port: int) -> Iterator[int | None]:
    """Serve ``app`` until the end of the block; the port, or None where it cannot be listened on: polling goes on without it."""
    try:
        listener = socket.create_server(
            (host, port), backlog=128, family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        cure = (
            "Name another address in [intake] listen, or end what has it. Until then sales are found by polling alone."
        )
        get_logger().error("intake_cannot_listen", address=f"{host}:{port}", why=error.strerror, cure=cure)
        yield None
        return
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
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="intake", daemon=True)
    thread.start()
    taken = listener.getsockname()[1]
    get_logger().info("intake_listens", address=f"{host}:{taken}")
    try:
        yield taken
    finally:
        server.should_exit = True
        thread.join(_END_S + 1)
