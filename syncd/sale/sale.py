"""A sale: what the POS says of it, and beside it what is known of BigCommerce and what people decided. Values, pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from syncd.canonical import CanonicalOrder
from syncd.clock import Now
from syncd.errors import LedgerError
from syncd.sale.facts import NO_BELIEF, Belief, Doubt, Objection, Status
from syncd.sale.overrides import NO_OVERRIDES, Override, Overrides
from syncd.sale.states import Lane, State

_PLACED = re.compile(r'"placed_at":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Dating:
    """What dates a version; ``stated_at`` is when its statement was made, None where that is not known. Times are aware."""

    version: str | None = None
    updated_at: datetime | None = None
    stated_at: datetime | None = None


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
    decisions: Overrides = NO_OVERRIDES
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
    def decision(self) -> Override | None:
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


def new_sale(said: IncomingVersion, store: str, at: datetime, *, lane: Lane = Lane.LIVE, history: bool = False) -> Sale:
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


def saying(sale: Sale, said: IncomingVersion, document: str | None = None) -> Sale:
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


def linked(order: CanonicalOrder, decisions: Overrides) -> CanonicalOrder:
    """A return with the sale that a person linked it to; the POS's own word goes first."""
    if decisions.link is None or order.returns_of is not None or order.total_inc_tax >= 0:
        return order
    return order.model_copy(update={"returns_of": decisions.link})


@dataclass(frozen=True, slots=True)
class IncomingVersion:
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


class Decider(Protocol):
    """The one function that decides, as the ledger is given it: the facts of a sale in, where it stands out. Pure."""

    def __call__(self, sale: Sale, now: Now, said: IncomingVersion | None = None) -> Status:
        """Where ``sale`` stands; ``said`` is what it has just said, read already."""
        ...


Router = Callable[[CanonicalOrder], str]
"""The store that a sale belongs to."""


def read_document(text: str | None) -> CanonicalOrder | None:
    """The order of a kept document; None where there is none, or none that can be read."""
    try:
        return CanonicalOrder.from_json(text) if text else None
    except ValueError:
        return None
