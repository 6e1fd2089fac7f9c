"""Proxies of the environment: for the world outside, never for a server on this machine."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from syncd.http.limits import Limits
from syncd.http.transport import HttpTransport
from syncd.testing.clocks import ManualClock


def test_a_server_on_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody answers there
    wire = HttpTransport(
        f"http://127.0.0.1:{server.server_port}", {"X-Auth-Token": "t"}, Limits(), ManualClock(), connections=1
    )
    try:
        assert wire.send("GET", "/orders", None, None).status == 200
    finally:
        wire.close()
        server.shutdown()
        server.server_close()
    assert seen == ["/orders"]
