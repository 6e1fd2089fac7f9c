"""Stands before a store, and looks at the ledger's files the moment that a request's first byte arrives."""

from __future__ import annotations

import http.client
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.shop import Store

_OPEN = """
    select sales.sale_key, attempts.kind, attempts.order_id from attempts join sales on sales.id = attempts.sale_id
    where attempts.outcome is null and sales.state = 'sending'
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that writes, and the intents that were on disk when its first byte arrived: sale key, kind, order."""

    method: str
    path: str
    body: bytes
    intents: frozenset[tuple[str, str, int | None]]


@dataclass(slots=True)
class Watched:
    """A watched store, and the requests that wrote."""

    store: Store
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def watched(store: Store, ledger: Path) -> Iterator[Watched]:
    """Stand before ``store``; ``ledger`` is the SQLite file of whoever sends."""
    behind, found = urlsplit(store.url).netloc, list[Seen]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            if not self.rfile.peek(1):  # type: ignore[attr-defined]  # socketserver gives it a BufferedReader
                self.close_connection = True
                return
            self.intents = _on_disk(ledger)
            super().handle_one_request()

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command != "GET":
                found.append(Seen(self.command, urlsplit(self.path).path, body, self.intents))
            with closing(http.client.HTTPConnection(behind, timeout=30)) as there:
                there.request(self.command, self.path, body or None, dict(self.headers))
                answer = there.getresponse()
                content = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = pass_on  # noqa: N815  as http.server has it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield Watched(Store(url, store.store_hash, store.token), found)
    finally:
        server.shutdown()
        server.server_close()


def _on_disk(ledger: Path) -> frozenset[tuple[str, str, int | None]]:
    """Return the open intents of the ledger's files as they are now: what a machine would find that lost its processes."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "ledger.db"
        for end in ("-wal", ""):
            if Path(f"{ledger}{end}").exists():
                shutil.copyfile(f"{ledger}{end}", f"{copy}{end}")
        with closing(sqlite3.connect(copy)) as connection:
            return frozenset(connection.execute(_OPEN))
