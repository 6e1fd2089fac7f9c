"""A program that takes syncd's events: it keeps what came, and can be told to refuse, to break off, or to lead elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
EVENTS = '[events]\nurl = {{ env = "EVENTS_URL" }}\nsecret = {{ env = "EVENTS_SECRET" }}\n{more}\n'
BREAK_OFF = 0


@dataclass(frozen=True)
class Came:
    """One request: its headers, in lower case, and its body."""

    headers: dict[str, str]
    body: bytes
    answered: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def kind(self) -> str:
        return str(self.said["type"])

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.said["data"]
        return found

    def is_signed(self) -> bool:
        """By the words of the specification, not by the library that signed."""
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        return f"v1,{digest}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """What came, in order, and how it is answered: by a status, or by what ``answers`` says of a request."""

    port: int = 0
    came: list[Came] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    status_of: Callable[[Came], int | None] = lambda _: None

    @property
    def url(self) -> str:
        """For ``[events] url``; the path is what no log may show."""
        return f"http://127.0.0.1:{self.port}/SECRET-PATH-99"

    @property
    def taken(self) -> list[Came]:
        """What was answered with 2xx."""
        return [one for one in self.came if 200 <= one.answered < 300]

    def of(self, kind: str) -> list[Came]:
        return [one for one in self.taken if one.kind == kind]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Until the end of the block."""
    receiver, lock = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(length := int(self.headers["Content-Length"]))
            if len(body) < length:  # who sent it was killed meanwhile
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                asked = receiver.status_of(Came(headers, body, 0))
                status = receiver.status if asked is None else asked
                receiver.came.append(Came(headers, body, status))
            if status == BREAK_OFF:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
