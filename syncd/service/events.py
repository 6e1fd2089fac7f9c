"""Sends outgoing events to the address of ``[events]``: signed as Standard Webhooks say, at least once, until they are taken.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace
from standardwebhooks import Webhook

from syncd.app import App
from syncd.clock import Clock
from syncd.config import Config
from syncd.errors import LeaseTaken
from syncd.http.limits import Limits
from syncd.http.transport import HttpError, HttpTransport
from syncd.ledger import OutboxMessage
from syncd.logs import get_logger
from syncd.service.event_outage import LONGEST_WAIT, end_outage, note_outage, outage_of

KEPT = timedelta(days=7)
"""An event that nobody took for so long is dropped."""
EVERY = timedelta(seconds=5)
_RIGHT = "send events"
_AT_ONCE, _THREADS = 64, 8
_LIMITS = Limits(timedelta(seconds=5), timedelta(seconds=20), most_bytes=1_000_000)
_AGAIN = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360))
_DIGITS = 9
_OF_THE_ADDRESS = frozenset({401, 403, 404, 405, 407, 408, 410, 421, 425, 429})
"""Answers that the next event would get as well."""


class EventReply(Struct, frozen=True):
    """What came of an event: ``why`` it was not taken, empty where it was.

    ``of_address``: the next event would fare no better; then ``wait`` is what the receiver asked for.
    """

    why: str = ""
    of_address: bool = False
    wait: timedelta = timedelta()


TAKEN = EventReply()


class Receiver:
    """The address of ``[events]``; safe to use from many threads."""

    def __init__(self, config: Config, clock: Clock) -> None:
        """Take the address, its secret, and the address of syncd's own page.

        Raises:
            SecretMissing: one of them cannot be read.

        """
        settings = config.events
        assert settings.url is not None  # noqa: S101  who has no address has no receiver
        assert settings.secret is not None  # noqa: S101  the config has both or neither
        self._clock, self._page = clock, config.web.url
        self._signer = Webhook(settings.secret.get_secret_value())
        own_ca = config.base_dir / settings.ca_file.expanduser() if settings.ca_file is not None else None
        limits = replace(_LIMITS, ca_file=own_ca)
        self._http = HttpTransport(settings.url.get_secret_value(), {}, limits, clock, connections=_THREADS)

    def send(self, message: OutboxMessage) -> EventReply:
        """Send an event once."""
        return self.post(message.message_id, body_of(message, self._page))

    def post(self, message_id: str, body: bytes) -> EventReply:
        """Send a signed message once."""
        now = self._clock.now().astimezone(UTC)  # the library takes the clock's digits for UTC
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message_id, now, body.decode()),
        }
        try:
            answer = self._http.send("POST", "", body=body, headers=headers)
        except HttpError as error:
            if error.status is None:
                return EventReply(f"it cannot be reached: {error.why}", of_address=True)
            return reply_of(error.status, {})  # it has answered; the rest of its words do not matter
        return reply_of(answer.status, answer.headers)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()


def reply_of(status: int, headers: Mapping[str, str]) -> EventReply:
    """Return what an answer means: 2xx takes the event; a redirect is not followed, for it would take events elsewhere."""
    if 200 <= status < 300:
        return TAKEN
    words = http.client.responses.get(status, "")
    why = f"it answered {status} {words}".strip()
    if 300 <= status < 400:
        return EventReply(f"{why}: give the address that it leads to, no redirect is followed", of_address=True)
    return EventReply(why, status in _OF_THE_ADDRESS or status >= 500, _asked_wait(headers))


def _asked_wait(headers: Mapping[str, str]) -> timedelta:
    asked = headers.get("Retry-After", "")
    if not (asked.isascii() and asked.isdigit()):
        return timedelta()
    return min(timedelta(seconds=int(asked[:_DIGITS])), LONGEST_WAIT)


def body_of(message: OutboxMessage, page: str | None) -> bytes:
    """Return what the receiver reads: the kind of the event, when it happened, and its data. The same at each try."""
    data = {"store": message.store, **message.data}
    if message.sale_id is not None:
        data["page"] = f"{page.rstrip('/')}/sale/{message.sale_id}" if page else None
    return _json({"type": message.kind.value, "timestamp": message.at.isoformat(), "data": data})


def test_message(now: datetime) -> tuple[str, bytes]:
    """Return an id and a body that only try an address."""
    said = {"type": "test", "timestamp": now.isoformat(), "data": {"words": "This is a test of syncd's events."}}
    return uuid4().hex, _json(said)


def _json(said: Mapping[str, object]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()  # ASCII: half a character of a till's has no other bytes


class EventSender:
    """Sends what waits in the outbox. Where another process is at it, that one does."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._receiver: Receiver | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._receiver is not None:
            self._receiver.close()

    def send_due(self, stop: Event, moves: Callable[[], None] = lambda: None) -> None:
        """Send what is due, until nothing is, the address takes nothing, or ``stop`` is set; ``moves`` hears of progress.

        Raises:
            SecretMissing: the address or its secret cannot be read.
            LedgerError: the ledger cannot be read or written.

        """
        ledger = self._app.ledger
        if self._app.config.events.url is None or not ledger.outbox.due(1):
            return
        before = outage_of(self._app)
        if before is not None and before.rests(self._app.clock.now()):
            return
        with suppress(LeaseTaken), ledger.right(_RIGHT):
            while not stop.is_set() and (due := ledger.outbox.due(_AT_ONCE)) and self._send(due, stop):
                moves()

    def _send(self, due: Sequence[OutboxMessage], stop: Event) -> bool:
        """Send some events, those of one sale one after the other; return whether the address still takes events."""
        if self._receiver is None:
            self._receiver = Receiver(self._app.config, self._app.clock)
        send, over = self._receiver.send, Event()

        def send_in_order(some: Sequence[OutboxMessage]) -> list[tuple[OutboxMessage, EventReply]]:
            found = []
            for message in some:
                if over.is_set() or stop.is_set():
                    break
                found.append((message, send(message)))
                if found[-1][1].of_address:
                    over.set()
                if found[-1][1].why:
                    break
            return found

        with ThreadPoolExecutor(_THREADS, thread_name_prefix="events") as threads:
            replies = [one for some in threads.map(send_in_order, in_groups(due)) for one in some]
        self._keep(replies)
        return not over.is_set()

    def _keep(self, replies: Sequence[tuple[OutboxMessage, EventReply]]) -> None:
        outbox, now = self._app.ledger.outbox, self._app.clock.now()
        taken = [message.number for message, reply in replies if not reply.why]
        if taken:
            outbox.taken(taken)
        for message, reply in replies:
            if reply.why and not reply.of_address:
                outbox.refused(message.number, reply.why, now + _AGAIN[min(message.tries, len(_AGAIN) - 1)])
                get_logger().warning("event_refused", kind=message.kind.value, id=message.message_id, why=reply.why)
        worst = next((reply for _, reply in replies if reply.of_address), None)
        if worst is not None:
            note_outage(self._app, worst.why, worst.wait, answered=bool(taken))
        elif replies:
            end_outage(self._app)


def in_groups(messages: Sequence[OutboxMessage]) -> list[list[OutboxMessage]]:
    """Return the events of each sale, and those of each store, in their order."""
    found: dict[tuple[str, int | None], list[OutboxMessage]] = {}
    for message in messages:
        found.setdefault((message.store, message.sale_id), []).append(message)
    return list(found.values())
