"""POS servers that answer oddly, at the wire: one that never answers, and one that asks to be left alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT = """
[sources.till]
type = "loyverse"
token = {{ env = "FLOW_TOKEN" }}
api_url = "{url}"
start_from = "ever"
every = "100ms"
"""


class SilentPos:
    """Takes requests and answers none of them before ``let_go``."""

    def __init__(self) -> None:
        self.asked, self.let_go = threading.Event(), threading.Event()
        self.url = ""


@contextmanager
def silent_pos() -> Iterator[SilentPos]:
    """A server that never answers until it is let go, then with a refusal."""
    pos = SilentPos()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pos.asked.set()
            pos.let_go.wait(60)
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            pass

    with _serving(Handler) as pos.url:
        try:
            yield pos
        finally:
            pos.let_go.set()


@contextmanager
def busy_pos(retry_after_s: int) -> Iterator[str]:
    """The URL of a server that answers every request with 429 and so long a ``Retry-After``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(429)
            self.send_header("Retry-After", str(retry_after_s))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _serving(Handler) as url:
        yield url


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
