"""Sales that another program posts to the daemon: canonical orders, signed with a secret that both know.

``X-Syncd-Timestamp`` holds seconds since 1970, ``X-Syncd-Signature`` ``sha256=`` and the hex digits of HMAC-SHA256 over the
timestamp, a full stop and the body. The body is one canonical order, or a list of them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from syncd.canonical import Batch, CanonicalOrder, Cursor, Fault
from syncd.canonical.order import read_json
from syncd.durations import Duration
from syncd.secret import Secret
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.context import SourceContext
from syncd.sources.errors import Forged
from syncd.sources.jsonl import parse_line
from syncd.sources.setup import Question, Setup

_MOST = 1000


class PushSettings(BaseModel):
    """The secret, and how old a delivery may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: Secret
    window: Duration = timedelta(minutes=5)


SETUP = Setup(
    title="sales that a program posts (push)",
    intro="A program of your own posts each sale, signed with a secret that both know.",
    questions=(
        Question("secret", "Secret to sign with (not shown; Enter makes one)", secret=True, default="{secret}"),
    ),
    after="Post sales to http://127.0.0.1:8787/intake/{name}, signed as docs/sources/push.md says.",
    words=("push",),
)


class PushSource:
    """A source that is told, and never asks."""

    Settings: ClassVar[type[BaseModel]] = PushSettings
    SETUP: ClassVar[Setup] = SETUP
    HAS_PAST: ClassVar[bool] = False
    POLLED: ClassVar[bool] = False

    def __init__(self, settings: PushSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Nothing: sales come by themselves."""
        del since
        return iter(())

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Nothing: whoever posts the sales posts those of a range again, which changes nothing twice."""
        del start, end, since
        return iter(())

    def receives(self) -> bool:
        """Return True: it does nothing else."""
        return True

    def receive(self, delivery: Delivery) -> Received:
        """Return the sales of a signed body.

        Raises:
            Forged: the signature is not right, or older than ``window``.
            ValueError: the body is neither a sale nor a list of at most a thousand.

        """
        self._prove(delivery)
        document = read_json(delivery.body)
        sales = document if isinstance(document, list) else [document]
        if len(sales) > _MOST:
            msg = f"{len(sales)} sales at once; {_MOST} are the most"
            raise ValueError(msg)
        orders: list[CanonicalOrder] = []
        faults: list[Fault] = []
        for number, one in enumerate(sales, start=1):
            line = json.dumps(one, default=str).encode()
            read = parse_line(line, (self._context.name, self._context.configured), f"delivery, sale {number}")
            if isinstance(read, CanonicalOrder):
                orders.append(read)
            elif read is not None:
                faults.append(read)
        return Received(Batch(tuple(orders), tuple(faults), None), poll=False)

    def _prove(self, delivery: Delivery) -> None:
        said = delivery.headers.get("x-syncd-timestamp", "")
        age = self._context.clock.now().timestamp() - (
            int(said) if said.isascii() and said.isdigit() and len(said) < 12 else 0
        )
        if abs(age) > self._settings.window.total_seconds():
            raise Forged("X-Syncd-Timestamp is missing, or too old or too new")
        wanted = sign(self._settings.secret.get_secret_value(), said, delivery.body)
        if not hmac.compare_digest(wanted.encode(), delivery.headers.get("x-syncd-signature", "").encode()):
            raise Forged("X-Syncd-Signature is not that of the secret over the timestamp and the body")

    def check(self) -> Sequence[Finding]:
        """There is nobody to ask."""
        return [Finding("ok", f"sales are taken at /intake/{self._context.configured}, signed with the secret")]

    def close(self) -> None:
        """Nothing is held open."""


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of ``X-Syncd-Signature``."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"
