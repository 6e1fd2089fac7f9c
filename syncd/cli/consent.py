"""Asks the owner of a POS account for access: in a browser whose answer comes back to this machine, or by a pasted address."""

from __future__ import annotations

import html
import os
import queue
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import typer
from msgspec import Struct

from syncd.cli.render import notes, say
from syncd.errors import SyncdError, UsageError
from syncd.sources.consent import Consent, Request

PORT = 8789
_TRIES = 3
_PATIENCE_S = 600.0
_PAGE = "<!doctype html><meta charset=utf-8><title>syncd</title><p style='font:1.2em sans-serif;margin:3em'>{words}</p>"


class ConsentWay(Struct, frozen=True):
    """How the answer comes back: to ``port`` of this machine, or pasted from the page at ``redirect``."""

    paste: bool = False
    port: int = PORT
    redirect: str = ""

    @property
    def address(self) -> str:
        """The redirect address, as the application names it to its vendor."""
        return self.redirect or f"http://localhost:{self.port}/"


def ask_consent(consent: Consent, way: ConsentWay) -> None:
    """Let the owner sign in, and keep the tokens.

    Raises:
        UsageError: no access was given.
        SourceError: the POS gave no tokens.

    """
    if way.paste or way.redirect or not _has_browser():
        _pasted(Request.of(consent, way.address))
    else:
        _by_browser(Request.of(consent, way.address), way.port)
    say(f"{consent.vendor} gave access. The tokens are in the ledger and renew themselves.")


def _has_browser() -> bool:
    if sys.platform == "darwin":
        return True
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _pasted(request: Request) -> None:
    say(f"Open this address in any browser, sign in to {request.consent.vendor}, and allow access:\n")
    say(f"  {request.url}\n", wrap=False)
    say(f"You end on a page at {request.redirect}, which may show an error. Copy its whole address.")
    for turn in range(_TRIES):
        answer = typer.prompt("Address of that page", hide_input=False)
        try:
            request.finish(answer)
        except UsageError as error:
            if turn == _TRIES - 1:
                raise
            say(f"  {error.what}. {error.cure}")
        else:
            return


@dataclass(slots=True)
class _Visit:
    """One answer of the POS: the address that the browser asked for, and what the owner is to read."""

    address: str
    words: str = ""
    read: threading.Event = field(default_factory=threading.Event)


def _by_browser(request: Request, port: int) -> None:
    visits: queue.Queue[_Visit] = queue.Queue()
    with _listening(port, visits):
        say(f"Sign in to {request.consent.vendor} and allow access. If no browser opens, open this address:\n")
        say(f"  {request.url}\n", wrap=False)
        webbrowser.open(request.url)
        while True:
            try:
                visit = visits.get(timeout=_PATIENCE_S)
            except queue.Empty:
                what = f"nobody allowed access within {_PATIENCE_S / 60:.0f} minutes"
                raise UsageError(what, "Run the command again; on a machine without a browser: --paste") from None
            try:
                request.finish(visit.address)
            except SyncdError as error:
                visit.words = f"{error.what}. {error.cure}"
                if not isinstance(error, UsageError):
                    raise
                notes.print(f"{error.what}. {error.cure}", markup=False)
            else:
                visit.words = f"syncd has access to {request.consent.vendor}. You can close this page."
                return
            finally:
                visit.read.set()


@contextmanager
def _listening(port: int, visits: queue.Queue[_Visit]) -> Iterator[None]:
    """Serve the redirect address on this machine alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "?" not in self.path:  # a browser asks for more than the page: its icon
                self._answer(404, "There is nothing here.")
                return
            visit = _Visit(self.path)
            visits.put(visit)
            visit.read.wait(_PATIENCE_S)
            self._answer(200, visit.words)

        def _answer(self, status: int, words: str) -> None:
            content = _PAGE.format(words=html.escape(words)).encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            """Say nothing: the address holds the code."""

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # the owner's page is answered before the command ends

    try:
        server = Server(("127.0.0.1", port), Handler)
    except OSError as error:
        cure = "Name another port, and register its address with the application: --port N"
        raise UsageError(f"port {port} of this machine cannot be used ({error.strerror})", cure) from None
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="consent", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
