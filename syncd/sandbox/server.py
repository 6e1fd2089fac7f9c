"""The sandbox's HTTP server: asyncio and httptools, so that it is quick and can misbehave at the level of bytes."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Callable
from typing import Any, cast

import httptools

from syncd.sandbox.answers import Answer, Refusal, v2_error, v3_error
from syncd.sandbox.clock import steady, wall
from syncd.sandbox.faults import InjectedFault
from syncd.sandbox.persist import SandboxState
from syncd.sandbox.routes import respond
from syncd.sandbox.settings import SandboxSettings
from syncd.sandbox.stores import Stores
from syncd.sandbox.tape import Tape
from syncd.sandbox.wire import as_asked, to_wire
from syncd.sandbox.world import Asked, World

_FLUSH_S = 0.2
_UUID, _UUID_DASHES = 36, 4
_SUSPENDED = (
    "The store is suspended. This may be due to an administrative action, or due to a billing issue. "
    "Please contact BigCommerce support for more information."
)
_HTML = b"<html><head><title>Sorry</title></head><body>The server has a problem.</body></html>"
_AFTER = {
    "drop_after_commit",
    "5xx_after",
    "garbage_body",
    "truncated_body",
    "slow_body",
    "slow_headers",
    "swap_answer",
    "rewrite_total",
}


class Sandbox:
    """A sandbox store; ``start`` it in a thread for tests, or ``serve`` it for good."""

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.connections: set[asyncio.Transport] = set()
        self.stores = Stores(self.settings, lambda: len(self.connections))
        self.url = ""
        self._shelf = SandboxState(self.settings.db) if self.settings.db else None
        self.tape = Tape(self.settings.record) if self.settings.record else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Event | None = None

    @property
    def world(self) -> World:
        """The store, where there is one; else the first."""
        return self.stores.first

    async def serve(self, ready: Callable[[str], None] = lambda _: None) -> None:
        """Listen until ``stop``; ``ready`` is told the URL once connections are taken."""
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        if self._shelf is not None:
            self._shelf.load(self.world.orders)
            self.world.orders.changed = self._shelf.changed
        server = await self._loop.create_server(lambda: _Connection(self), self.settings.host, self.settings.port)
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self.stores.serve_at(self.url)
        ready(self.url)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self._done.set)
        await self._until_done()
        server.close()
        for connection in list(self.connections):
            connection.abort()
        if self._shelf is not None:
            self._shelf.close()
        if self.tape is not None:
            self.tape.close()

    async def _until_done(self) -> None:
        assert self._done is not None  # noqa: S101  serve has just set it
        while not self._done.is_set():
            try:
                await asyncio.wait_for(self._done.wait(), _FLUSH_S)
            except TimeoutError:
                if self._shelf is not None:
                    self._shelf.flush()

    def start(self) -> str:
        """Serve in a thread of its own; returns the URL."""
        ready = threading.Event()
        thread = threading.Thread(
            target=lambda: asyncio.run(self.serve(lambda _: ready.set())), name="sandbox", daemon=True
        )
        thread.start()
        ready.wait()
        return self.url

    def stop(self) -> None:
        """Stop serving."""
        if self._loop is not None and self._done is not None:
            self._loop.call_soon_threadsafe(self._done.set)


class _Connection(asyncio.Protocol):
    """One client connection; requests are answered in their order."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url, self._body, self._token, self._accept = b"", b"", "", ""
        self._turn: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._sandbox.connections.add(self._transport)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._transport is not None:
            self._sandbox.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._close()

    # httptools' callbacks

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-auth-token":
            self._token = value.decode("latin-1")
        elif name.lower() == b"accept":
            self._accept = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        asked = Asked.read(method, self._url, self._body, self._token)
        asked.accept = self._accept
        self._url, self._body, self._token, self._accept = b"", b"", "", ""
        sandbox = self._sandbox
        fault = None
        if asked.path.startswith("/stores/"):
            fault = sandbox.stores.of(asked.path).plan.strike(method, asked.path, asked.body)
        if fault is None and not sandbox.settings.latency_ms and self._turn is None:
            self._write(asked, _answer(sandbox.stores, asked))
        else:
            self._turn = asyncio.get_running_loop().create_task(self._slowly(asked, fault, self._turn))

    async def _slowly(self, asked: Asked, fault: InjectedFault | None, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        if self._sandbox.settings.latency_ms and not asked.path.startswith("/_sandbox/"):
            await asyncio.sleep(self._sandbox.settings.latency_ms / 1000)
        if fault is None:
            self._write(asked, _answer(self._sandbox.stores, asked))
        else:
            await self._misbehave(asked, fault)
        self._turn = None

    async def _misbehave(self, asked: Asked, fault: InjectedFault) -> None:
        if fault.kind not in _AFTER:
            await self._before(asked, fault)
            return
        world, answer = self._sandbox.stores.of(asked.path), _answer(self._sandbox.stores, asked)
        match fault.kind:
            case "drop_after_commit":
                self._close()
            case "5xx_after":
                self._write(asked, _failed(world, fault.status))
            case "garbage_body":
                self._write(asked, Answer(answer.status, b"<html>Sorry</html>", "text/html", answer.headers))
            case "truncated_body":
                self._send(to_wire(answer, from_api=True)[: -max(1, len(answer.body) // 2)])
                self._close()
            case "slow_body":
                await self._drip(to_wire(answer, from_api=True), fault.seconds, spare=len(answer.body))
            case "slow_headers":
                await self._drip(to_wire(answer, from_api=True), fault.seconds, spare=None)
            case "swap_answer":
                self._write(asked, _altered(answer, {"id": 1, "external_order_id": "somebody:else"}))
            case "rewrite_total":
                self._write(asked, _altered(answer, {"total_inc_tax": "0.0100"}))

    async def _before(self, asked: Asked, fault: InjectedFault) -> None:
        world = self._sandbox.stores.of(asked.path)
        match fault.kind:
            case "drop_before_commit":
                self._close()
            case "hang":
                await asyncio.sleep(fault.seconds)
                self._close()
            case "late_commit":
                _note(world, asked)
                self._close()
                await asyncio.sleep(fault.seconds)
                respond(world, asked)
            case "redirect":
                self._write(asked, _limited(world, Answer(302, headers={"Location": f"{self._sandbox.url}/elsewhere"})))
            case "5xx_before":
                _note(world, asked)
                self._write(asked, _failed(world, fault.status))
            case _:
                self._write(asked, _turned_away(world, fault))

    async def _drip(self, wire: bytes, seconds: float, *, spare: int | None) -> None:
        """Send the last ``spare`` bytes (all, where None) one by one over ``seconds``."""
        start = 0 if spare is None else len(wire) - spare
        self._send(wire[:start])
        for place in range(start, len(wire)):
            if self._transport is None or self._transport.is_closing():
                return
            self._send(wire[place : place + 1])
            await asyncio.sleep(seconds / max(1, len(wire) - start))

    def _write(self, asked: Asked, answer: Answer) -> None:
        if self._sandbox.tape is not None:
            self._sandbox.tape.keep(asked, answer)
        from_api = asked.path.startswith("/stores/")
        self._send(to_wire(as_asked(asked.path, asked.accept, answer) if from_api else answer, from_api=from_api))

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _answer(stores: Stores, asked: Asked) -> Answer:
    if not asked.path.startswith("/stores/"):
        return stores.respond(asked)
    now, world = steady(), stores.of(asked.path)
    if not world.quota.spend(now):
        return _limited(world, v3_error(429, "You have exceeded the rate limit."))
    _note(world, asked)
    try:
        answer = respond(world, asked)
    except Refusal as refusal:
        answer = refusal.answer
    world.statuses[answer.status] = world.statuses.get(answer.status, 0) + 1
    return _limited(world, answer)


def _failed(world: World, status: int) -> Answer:
    """Return a server's failure: 502 and 504 are the edge's own, a page and no JSON."""
    if status in (502, 504):
        return Answer(status, _HTML, "text/html")
    return _limited(world, v2_error(status, "The server has a problem."))


def _turned_away(world: World, fault: InjectedFault) -> Answer:
    """Return a store that takes no request now: over its quota in four dresses, locked, full, suspended, or the token revoked."""
    match fault.kind:
        case "401":
            return _limited(world, v2_error(401, "Unauthorized. The X-Auth-Token was revoked."))
        case "423":
            return _limited(world, v2_error(423, "The resource is locked."))
        case "507":
            return _limited(world, v2_error(507, "The store has reached a limit of its plan."))
        case "suspended":
            return _limited(world, v2_error(503, _SUSPENDED))
        case "429_bare":
            return v3_error(429, "Too many requests.")
        case "429_retry_after":
            made = v3_error(429, "Too many requests.")
            made.headers["X-Retry-After"] = str(max(1, round(fault.seconds)))
            return made
        case "429_as_500":
            made = _limited(world, v2_error(500, "The server has a problem."))
            made.headers["X-Rate-Limit-Requests-Left"] = "0"
            return made
        case _:
            return _limited(world, v3_error(429, "You have exceeded the rate limit."))


def _note(world: World, asked: Asked) -> None:
    """Remember that a request arrived, even where its answer never leaves."""
    kind = asked.path.split("/", 3)[-1]
    name = f"{asked.method} /" + "/".join("{id}" if _is_id(part) else part for part in kind.split("/"))
    world.requests[name] = world.requests.get(name, 0) + 1
    if asked.method == "POST" and kind == "v2/orders":
        try:
            key = str(json.loads(asked.body).get("external_order_id", ""))
        except (ValueError, AttributeError):
            key = ""
        world.posts.append({"external_order_id": key, "at": wall()})


def _is_id(part: str) -> bool:
    return part.isdigit() or (len(part) == _UUID and part.count("-") == _UUID_DASHES)


def _limited(world: World, answer: Answer) -> Answer:
    answer.headers |= world.quota.headers(steady())
    return answer


def _altered(answer: Answer, changes: dict[str, Any]) -> Answer:
    document = json.loads(answer.body or b"[]")
    if not isinstance(document, dict):
        return answer  # a list has no id of its own
    return Answer(answer.status, json.dumps({**document, **changes}).encode(), headers=answer.headers)


def run_forever(settings: SandboxSettings, *, as_json: bool = False) -> None:
    """Serve until interrupted, and say where."""

    def ready(url: str) -> None:
        facts = {"url": url, "store_hash": settings.store_hash, "token": settings.token, "stores": settings.stores}
        which = f"store_hash {settings.store_hash}, token {settings.token}"
        what = "Sandbox store"
        if settings.stores > 1:
            which = (
                f"store_hash {settings.store_hash}1 to {settings.store_hash}{settings.stores}, token {settings.token}"
            )
            what = f"{settings.stores:,} sandbox stores"
        said = json.dumps(facts) if as_json else f"{what} at {url}/ ({which})"
        print(said, flush=True)  # noqa: T201  what a person, or a test, waits for

    asyncio.run(Sandbox(settings).serve(ready))
