"""What the ledger gives out: a sale, an attempt, and their small companions, as frozen values."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from syncd.canonical import CanonicalOrder
from syncd.clock import BootTime
from syncd.errors import LedgerError
from syncd.ledger.states import Kind, Lane, State
from syncd.ledger.times import from_micros


@dataclass(frozen=True, slots=True)
class Doubt:
    """How long a sale has been unknown: since when, and the look-ups since then that found no order."""

    since: BootTime
    looks: tuple[BootTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """A look-up that settled nothing: the doubt that is left (None: it failed, and counts for nothing), and when to look again."""

    sale: Sale
    doubt: Doubt | None
    again_at: datetime


@dataclass(frozen=True, slots=True)
class Sale:
    """A row of ``sales``; amounts in major units of ``currency``, times aware."""

    id: int
    sale_key: str
    source: str
    store: str
    lane: Lane
    state: State
    fingerprint: str
    pushed_fingerprint: str | None
    order_id: int | None
    placed_at: datetime
    recorded_at: datetime
    changed_at: datetime
    next_attempt_at: datetime | None
    tries: int
    why: str
    cure: str
    currency: str
    total_inc_tax: Decimal
    total_tax: Decimal
    number: str | None
    location: str | None
    register: str | None
    document: str | None
    doubt: Doubt | None = None
    attempt_began: BootTime | None = None
    order_floor: int | None = None
    synced_at: datetime | None = None
    attempt_kind: Kind | None = None
    returns_of: str | None = None
    history: bool = False

    def order(self) -> CanonicalOrder:
        """The canonical order as it was recorded.

        Raises:
            LedgerError: its document was dropped by retention, or cannot be read.

        """
        if self.document is None:
            raise LedgerError(f"{self.sale_key} keeps no document any more", "Record it again from its source.")
        try:
            return CanonicalOrder.from_json(self.document)
        except ValueError as error:
            why = f"the document of {self.sale_key} cannot be read: {str(error)[:200]}"
            raise LedgerError(
                why, "Record it again from its source; syncd ledger verify tells what else is damaged."
            ) from None


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sent for a sale, as it was read; ``order_id`` where it changes another order than the sale's own."""

    sale_id: int
    sale_key: str
    kind: Kind
    fingerprint: str
    digest: str
    order_floor: int | None = None
    order_id: int | None = None
    stamp: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A committed intent; ``order_id`` is the order that it changes, None for a create."""

    id: int
    sale_id: int
    sale_key: str
    kind: Kind
    fingerprint: str
    digest: str
    began: BootTime
    order_id: int | None


@dataclass(frozen=True, slots=True)
class ReplyInfo:
    """What is kept of an answer: HTTP status, request id, seconds, the outcome's name and its words."""

    status: int | None
    request_id: str | None
    elapsed_s: float
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Known:
    """An order of ours that the store has: its id, its total and its currency, as far as they were shown."""

    order_id: int
    total_inc_tax: Decimal | None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a sale goes when it is recorded: its store and the state that it enters."""

    store: str
    state: State
    why: str = ""
    cure: str = ""


Router = Callable[[CanonicalOrder], Route]


def read_sale(row: Row[*tuple[Any, ...]]) -> Sale:
    """A row of ``sales``, with its open attempt's columns where the query joined them."""
    values = row._mapping  # noqa: SLF001  SQLAlchemy's documented access to a row's columns
    boot_id, boot_s = values.get("boot_id"), values.get("boot_s")
    return Sale(
        id=values["id"],
        sale_key=values["sale_key"],
        source=values["source"],
        store=values["store"],
        lane=Lane(values["lane"]),
        state=State(values["state"]),
        fingerprint=values["fingerprint"],
        pushed_fingerprint=values["pushed_fingerprint"],
        order_id=values["order_id"],
        placed_at=from_micros(values["placed_at"]),
        recorded_at=from_micros(values["recorded_at"]),
        changed_at=from_micros(values["changed_at"]),
        next_attempt_at=from_micros(values["next_attempt_at"]),
        tries=values["tries"],
        why=values["why"],
        cure=values["cure"],
        currency=values["currency"],
        total_inc_tax=Decimal(values["total_inc_tax"]),
        total_tax=Decimal(values["total_tax"]),
        number=values["number"],
        location=values["location"],
        register=values["register"],
        document=values["document"],
        doubt=read_doubt(values["lookups"]),
        attempt_began=BootTime(boot_id, float(boot_s)) if boot_id and boot_s else None,
        order_floor=values.get("order_floor"),
        synced_at=from_micros(values["synced_at"]),
        attempt_kind=Kind(kind) if (kind := values.get("attempt_kind")) else None,
        returns_of=values["returns_of"],
        history=bool(values["history"]),
    )


def read_document(text: str | None) -> CanonicalOrder | None:
    """The order of a kept document; None where there is none, or none that can be read."""
    try:
        return CanonicalOrder.from_json(text) if text else None
    except ValueError:
        return None


def read_doubt(text: str | None) -> Doubt | None:
    """What ``write_doubt`` wrote."""
    if not text:
        return None
    since, *looks = (BootTime(boot, seconds) for boot, seconds in json.loads(text))
    return Doubt(since, tuple(looks))


def write_doubt(doubt: Doubt) -> str:
    """A doubt as text: its beginning first, then its look-ups."""
    return json.dumps([[at.boot_id, at.seconds] for at in (doubt.since, *doubt.looks)])
