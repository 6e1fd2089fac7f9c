"""What the ledger gives out: a sale with its facts, an attempt, and their small companions, as frozen values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Row

from syncd.canonical import CanonicalOrder
from syncd.clock import BootTime, Now
from syncd.errors import LedgerError
from syncd.ledger.decisions import NO_DECISIONS, Decision, Decisions
from syncd.ledger.facts import (
    NO_BELIEF,
    Belief,
    Doubt,
    Objection,
    Standing,
    There,
    read_doubt,
    read_objection,
    write_doubt,
    write_objection,
)
from syncd.ledger.states import Kind, Lane, State
from syncd.ledger.times import from_micros, to_micros
from syncd.ledger.versions import Dating

_PLACED = re.compile(r'"placed_at":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Sale:
    """A row of ``sales``: what the POS says, and beside it the belief, the doubt, the objection and the decisions.

    Amounts are in major units of ``currency``, times aware.
    """

    id: int
    sale_key: str
    source: str
    store: str
    lane: Lane
    state: State
    fingerprint: str
    placed_at: datetime
    business_day: date
    recorded_at: datetime
    changed_at: datetime
    currency: str
    total_inc_tax: Decimal
    total_tax: Decimal
    document: str | None
    next_attempt_at: datetime | None = None
    synced_at: datetime | None = None
    tries: int = 0
    why: str = ""
    cure: str = ""
    number: str | None = None
    location: str | None = None
    register: str | None = None
    hold: str = ""
    returns_of: str | None = None
    history: bool = False
    version: str | None = None
    updated_at: datetime | None = None
    stated_at: datetime | None = None
    read_by: str | None = None
    belief: Belief = NO_BELIEF
    doubt: Doubt | None = None
    objection: Objection | None = None
    decisions: Decisions = NO_DECISIONS
    short: Mapping[int, str] = field(default_factory=dict)
    unclean: int = 0
    sent_as: str | None = None
    order_floor: int | None = None

    @property
    def placed_here(self) -> datetime:
        """When it was placed, in the zone of its own time, as far as its document is kept; else in UTC."""
        found = _PLACED.search(self.document or "")
        return self.placed_at if found is None else datetime.fromisoformat(found[1])

    @property
    def dating(self) -> Dating:
        """What dates the version that it says."""
        return Dating(self.version, self.updated_at, self.stated_at)

    @property
    def decision(self) -> Decision | None:
        """The last decision about it that is in force."""
        return self.decisions.last

    @property
    def sent_key(self) -> str:
        """The key that its order carries, if it has one."""
        return self.sent_as or self.sale_key

    @property
    def order_id(self) -> int | None:
        """The order that BigCommerce has for it, as far as we know."""
        return self.belief.order_id

    def order(self) -> CanonicalOrder:
        """The canonical order as it was recorded, a return with the sale that it was linked to.

        Raises:
            LedgerError: its document was dropped by retention, or cannot be read.

        """
        if self.document is None:
            raise LedgerError(f"{self.sale_key} keeps no document any more", "Record it again from its source.")
        try:
            return linked(CanonicalOrder.from_json(self.document), self.decisions)
        except ValueError as error:
            why = f"the document of {self.sale_key} cannot be read: {str(error)[:200]}"
            raise LedgerError(
                why, "Record it again from its source; syncd ledger verify tells what else is damaged."
            ) from None


def new_sale(said: Said, store: str, at: datetime, *, lane: Lane = Lane.LIVE, history: bool = False) -> Sale:
    """A sale that is said for the first time, as it is before anything follows from it."""
    order = said.order
    return Sale(
        id=0,
        sale_key=order.sale_key,
        source=order.source,
        store=store,
        lane=lane,
        state=State.PENDING,
        fingerprint=said.fingerprint,
        placed_at=order.placed_at,
        business_day=order.day,
        recorded_at=at,
        changed_at=at,
        currency=order.currency,
        total_inc_tax=order.total_inc_tax,
        total_tax=order.total_tax,
        document=None,
        number=order.number,
        hold=said.hold,
        returns_of=order.returns_of,
        history=history,
    )


def saying(sale: Sale, said: Said, document: str | None = None) -> Sale:
    """A sale that says something new, as it is before anything follows from that."""
    order = said.order
    became_a_sale = sale.returns_of is not None and order.returns_of is None and order.total_inc_tax >= 0
    return replace(
        sale,
        belief=NO_BELIEF if became_a_sale else sale.belief,  # the order that showed a return is its original's
        fingerprint=said.fingerprint,
        placed_at=order.placed_at,
        business_day=order.day,
        currency=order.currency,
        total_inc_tax=order.total_inc_tax,
        total_tax=order.total_tax,
        hold=said.hold,
        returns_of=linked(order, sale.decisions).returns_of,
        document=document,
        tries=0,
    )


def linked(order: CanonicalOrder, decisions: Decisions) -> CanonicalOrder:
    """A return with the sale that a person linked it to; the POS's own word goes first."""
    if decisions.link is None or order.returns_of is not None or order.total_inc_tax >= 0:
        return order
    return order.model_copy(update={"returns_of": decisions.link})


@dataclass(frozen=True, slots=True)
class Said:
    """What a sale says anew: its order, that order's fingerprint, and what it said before (None: it is new).

    ``hold`` is why its source cannot answer for it, empty where it can; ``stated_at`` when the source stated it, where it is known.
    """

    order: CanonicalOrder
    fingerprint: str
    before: Sale | None = None
    hold: str = ""
    stated_at: datetime | None = None
    stated_by_file: bool = False

    @property
    def dating(self) -> Dating:
        """What dates this version."""
        return Dating(self.order.version, self.order.updated_at, self.stated_at)


class Judge(Protocol):
    """The one function that decides, as the ledger is given it: the facts of a sale in, where it stands out. Pure."""

    def __call__(self, sale: Sale, now: Now, said: Said | None = None) -> Standing:
        """Where ``sale`` stands; ``said`` is what it has just said, read already."""
        ...


Router = Callable[[CanonicalOrder], str]
"""The store that a sale belongs to."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sent for a sale, as it was read; ``order_id`` where it changes another order than the sale's own.

    ``more``: it does not say all of the version, and more requests are to follow.
    ``after`` is the newest attempt that had changed the order when it was looked at (see ``trail``).
    """

    sale_id: int
    sale_key: str
    kind: Kind
    fingerprint: str
    digest: str
    order_floor: int | None = None
    order_id: int | None = None
    stamp: str | None = None
    sent_as: str | None = None
    after: int = 0
    more: bool = False


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
    more: bool = False


@dataclass(frozen=True, slots=True)
class ReplyInfo:
    """What is kept of an answer: HTTP status, request id, seconds, the outcome's name and its words."""

    status: int | None
    request_id: str | None
    elapsed_s: float
    outcome: str
    detail: str


def read_sale(row: Row[*tuple[Any, ...]]) -> Sale:
    """A row of ``sales``, with the floor of its last attempt where the query joined it."""
    return sale_of(row._mapping)  # noqa: SLF001  SQLAlchemy's documented access to a row's columns


def sale_of(values: Mapping[Any, Any]) -> Sale:
    """A sale from the columns of its row."""
    return Sale(
        id=values["id"],
        sale_key=values["sale_key"],
        source=values["source"],
        store=values["store"],
        lane=Lane(values["lane"]),
        state=State(values["state"]),
        fingerprint=values["fingerprint"],
        placed_at=(placed := from_micros(values["placed_at"])),
        business_day=date.fromisoformat(values["business_day"]) if values["business_day"] else placed.date(),
        recorded_at=from_micros(values["recorded_at"]),
        changed_at=from_micros(values["changed_at"]),
        next_attempt_at=from_micros(values["next_attempt_at"]),
        synced_at=from_micros(values["synced_at"]),
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
        hold=values["hold"] or "",
        returns_of=values["returns_of"],
        history=bool(values["history"]),
        version=values["version"],
        updated_at=from_micros(values["updated_at"]),
        stated_at=from_micros(values["stated_at"]),
        read_by=values["read_by"],
        belief=_belief(values) if values["order_id"] is not None else NO_BELIEF,
        doubt=read_doubt(values["doubt"]),
        objection=read_objection(values["objection"]),
        decisions=Decisions.from_json(values["decisions"]),
        short={int(number): why for number, why in json.loads(values["short"] or "{}").items()},
        unclean=values["unclean"],
        sent_as=values["sent_as"],
        order_floor=values.get("order_floor"),
    )


def _belief(values: Mapping[Any, Any]) -> Belief:
    total, tax = values["asked_total"], values["asked_tax"]
    return Belief(
        values["order_id"],
        values["told"],
        There(
            values["there_status"],
            _amount(values["there_total"]),
            _amount(values["there_tax"]),
            values["there_currency"],
            from_micros(values["there_placed_at"]),
        ),
        (Decimal(total), Decimal(tax)) if total is not None and tax is not None else None,
        tuple(json.loads(values["differs"] or "[]")),
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def fact_columns(sale: Sale) -> dict[str, Any]:
    """The columns that hold a sale's belief, doubt, objection and decisions."""
    belief, there = sale.belief, sale.belief.there
    total, tax = belief.asked or (None, None)
    return {
        "order_id": belief.order_id,
        "told": belief.told,
        "there_status": there.status_id,
        "there_total": as_text(there.total_inc_tax),
        "there_tax": as_text(there.total_tax),
        "there_currency": there.currency,
        "there_placed_at": None if there.placed_at is None else to_micros(there.placed_at),
        "asked_total": as_text(total),
        "asked_tax": as_text(tax),
        "differs": json.dumps(belief.differs) if belief.differs else None,
        "doubt": write_doubt(sale.doubt),
        "objection": write_objection(sale.objection),
        "decisions": sale.decisions.to_json(),
        "returns_of": sale.returns_of,
        "short": json.dumps(sale.short) if sale.short else None,
        "unclean": sale.unclean,
        "tries": sale.tries,
    }


def as_text(amount: Decimal | None) -> str | None:
    """An amount as the ledger keeps it."""
    return None if amount is None else format(amount, "f")


def read_document(text: str | None) -> CanonicalOrder | None:
    """The order of a kept document; None where there is none, or none that can be read."""
    try:
        return CanonicalOrder.from_json(text) if text else None
    except ValueError:
        return None
