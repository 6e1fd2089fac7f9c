"""``POST /intake/<source>``: a webhook is answered once what it says is in the ledger, and then acted upon at once.

A webhook is a hint and polling the truth: whatever is refused here, the next poll finds. Every refusal is cheap, and none is a 500.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from syncd.clock import Clock
from syncd.errors import LedgerError, SecretMissing, SourceError
from syncd.intake.admission import NotAdmitted
from syncd.logs import bind, get_logger
from syncd.source_runner import SourceRunner
from syncd.sources import Delivery, Forged, Received, Receiving

_MOST_BYTES = 1024 * 1024
_BODY_S = 4.0
_PER_SECOND, _BURST = 50.0, 500.0
_TOLD_EVERY_S = 10.0
_MOST_FAULTS = 20
_ODD = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    RecursionError,
)  # a document of another shape than the vendor's


def intake_app(
    find: Callable[[str], SourceRunner | None], clock: Clock, heard: Callable[[str, Received], None]
) -> Starlette:
    """Return the ASGI application; ``find`` a source by its name; ``heard`` is told of each delivery once that is durable."""
    return Starlette(routes=[intake_route(find, clock, heard)])


def intake_route(
    find: Callable[[str], SourceRunner | None], clock: Clock, heard: Callable[[str, Received], None]
) -> Route:
    """Return the route that takes webhooks; the arguments are those of ``intake_app``."""
    doors: dict[str, _Door] = {}

    def door_of(name: str) -> _Door | None:
        till = find(name)
        if till is None or not isinstance(till.source, Receiving) or not till.source.receives():
            return None
        known = doors.get(name)
        if known is None or known.till is not till:
            known = doors[name] = _Door(till, till.source, clock)
        return known

    async def intake(request: Request) -> Response:
        try:
            door = await run_in_threadpool(door_of, request.path_params["source"])
        except (SourceError, SecretMissing) as error:
            get_logger().error(
                "source_not_ready", source=request.path_params["source"], why=error.what, cure=error.cure
            )
            return _says(503, "this source cannot begin; send it again", {"Retry-After": "60"})
        if door is None:
            return _says(404, "there is no source of that name which takes webhooks")
        try:
            async with asyncio.timeout(_BODY_S):
                body = await _body(request)
        except TimeoutError:
            return _says(408, f"the body did not come within {_BODY_S:g} s")
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _says(413, f"the body is larger than {_MOST_BYTES} bytes")
        headers = {name.lower(): value for name, value in request.headers.items()}
        return await run_in_threadpool(door.take, Delivery(headers, body), heard)

    return Route("/intake/{source}", intake, methods=["POST"])


async def _body(request: Request) -> bytes | None:
    """Return the whole body; None where it is too large."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and (len(said) > 12 or int(said) > _MOST_BYTES):
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


class _Door:
    """One source's door: how many deliveries may pass, and how often a refusal is reported."""

    def __init__(self, till: SourceRunner, source: Receiving, clock: Clock) -> None:
        self.till, self._receiving, self._clock = till, source, clock
        self._room, self._at = _BURST, clock.elapsed().seconds
        self._told_at: float | None = None
        self._refused = 0

    def take(self, delivery: Delivery, heard: Callable[[str, Received], None]) -> Response:
        """Check, keep, answer; in a thread of its own, for the ledger is written."""
        name = self.till.name
        with bind(source=name):
            try:
                received = self._receiving.receive(delivery)
                if not self._may():
                    return _says(429, "too many deliveries; polling finds what they tell of", {"Retry-After": "1"})
                self.till.keep(received)
            except Forged as forged:
                return self._refuse(401, forged.what)
            except (LedgerError, NotAdmitted) as error:
                get_logger().error("delivery_not_kept", why=error.what, cure=error.cure)
                return _says(503, "it could not be kept; send it again", {"Retry-After": "5"})
            except _ODD as odd:
                return self._refuse(400, f"it is not what this source is sent: {odd}"[:300])
            if received.says:
                get_logger().warning("delivery_says", says=received.says)
            heard(name, received)
        return _answer(received)

    def _may(self) -> bool:
        now = self._clock.elapsed().seconds
        self._room = min(_BURST, self._room + (now - self._at) * _PER_SECOND)
        self._at = now
        if self._room < 1:
            return False
        self._room -= 1
        return True

    def _refuse(self, status: int, why: str) -> Response:
        """Refusals are reported together: whoever floods the door must not fill the log as well."""
        self._refused += 1
        now = self._clock.elapsed().seconds
        if self._told_at is None or now - self._told_at >= _TOLD_EVERY_S:
            get_logger().warning("deliveries_refused", number=self._refused, why=why)
            self._told_at, self._refused = now, 0
        return _says(status, why)


def _answer(received: Received) -> Response:
    faults = received.batch.faults if received.batch else ()
    document: dict[str, Any] = {"sales": len(received.batch.orders) if received.batch else len(received.sales)}
    if faults:
        document["faults"] = [{"where": fault.where, "why": fault.reason} for fault in faults[:_MOST_FAULTS]]
    return JSONResponse(document, 422 if faults else 200)


def _says(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": why}, status, {"Connection": "close", **(headers or {})})
