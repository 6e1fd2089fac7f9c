"""A server that hears what apprise (``json://``) and heartbeats send; it can be told to refuse, or to hang."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Heard:
    """What came, in order."""

    port: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    pings: int = 0
    status: int = 200
    hangs_s: float = 0.0

    @property
    def url(self) -> str:
        """For ``[alerts] urls``; the path is what no log may show."""
        return f"json://127.0.0.1:{self.port}/SECRET-PATH-77"

    @property
    def heartbeat(self) -> str:
        """For ``[alerts] heartbeat``."""
        return f"http://127.0.0.1:{self.port}/SECRET-PING-88"


@contextmanager
def hearing() -> Iterator[Heard]:
    """Until the end of the block."""
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(heard.hangs_s)
            if heard.status < 400:
                heard.messages.append(json.loads(body))
            self._answer()

        def do_GET(self) -> None:
            heard.pings += 1
            time.sleep(heard.hangs_s)
            self._answer()

        def _answer(self) -> None:
            self.send_response(heard.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    heard.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
