"""A double of a cloud POS: an HTTP server in a thread, with a clock of its own and the ways in which such an API lets one down.

A subclass answers; ``tests/doubles`` has one for each adapter of ours, ``docs/adapter`` a small one to begin with.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from syncd.testing.clocks import ManualClock


@dataclass(frozen=True)
class RecordedRequest:
    """A request as a double sees it."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body or b"{}")

    @property
    def form(self) -> dict[str, str]:
        """The body as a form's fields."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class CannedAnswer:
    """An answer: a status, a document, headers."""

    status: int = 200
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Double:
    """A POS in the cloud. Subclasses answer; this serves, and misbehaves when told to."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.ahead = timedelta(0)
        self.asked: list[RecordedRequest] = []
        self.next: list[CannedAnswer | None] = []  # what the next questions are answered with, None for a true answer
        self.on_answer: Callable[[RecordedRequest], None] = lambda _asked: None
        self.lock = threading.RLock()
        self.url = ""

    def now(self) -> datetime:
        """Return the POS's own clock."""
        return self.clock.now() + self.ahead

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        """Answer as the POS would; a subclass says how."""
        raise NotImplementedError

    def respond(self, asked: RecordedRequest) -> CannedAnswer:
        """Return what is answered: what ``next`` wants, else the truth; ``on_answer`` is told afterwards."""
        with self.lock:
            self.asked.append(asked)
            kept = self.next.pop(0) if self.next else None
            said = kept or self.answer(asked)
            self.on_answer(asked)
            return said

    def __enter__(self) -> Self:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = RecordedRequest(self.command, parts.path, parse_qs(parts.query), headers, body)
                said = double.respond(asked)
                content = b"" if said.document is None else json.dumps(said.document).encode()
                self.send_response_only(said.status)
                self.send_header("Date", format_datetime(double.now(), usegmt=True))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = handle_any  # noqa: N815  as http.server wants it

            def log_message(self, *_words: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_words: object) -> None:
                """Pass over a client that went away: it is no fault of ours."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    # What the contract may ask of any double

    def skew(self, seconds: float) -> None:
        """Set the POS's clock so much ahead of ours."""
        self.ahead = timedelta(seconds=seconds)

    def break_in_mid_walk(self) -> None:
        """After two true answers the API is gone for a while."""
        self.next = [None, None, *[CannedAnswer(502, None)] * 8]


def exact(document: Any) -> Any:
    """Return a document as an adapter gets it: over JSON, numbers with a fraction as they were written."""
    return json.loads(json.dumps(document), parse_float=Decimal)
