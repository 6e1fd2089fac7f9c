"""A sale: the version that the POS states, what is known of its order, and people's overrides. Values only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.canonical import CanonicalOrder
from syncd.clock import Now
from syncd.errors import LedgerError
from syncd.sale.checkout import Checkout
from syncd.sale.facts import NO_BELIEF, Belief, Doubt, Objection, Status
from syncd.sale.overrides import NO_OVERRIDES, Override, Overrides
from syncd.sale.states import Lane, State

_PLACED = re.compile(r'"placed_at":"([^"]+)"')


class Dating(Struct, frozen=True):
    """What dates a version; ``stated_at`` is when the POS or its file stated it, None where that is not known. Times are aware."""

    version: str | None = None
    updated_at: datetime | None = None
    stated_at: datetime | None = None


class Sale(Struct, frozen=True):
    """A sale as the ledger keeps it: the POS's version, and beside it belief, doubt, objection and overrides.

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
    source_hold: str = ""
    returns_of: str | None = None
    history: bool = False
    refunded_on: date | None = None
    version: str | None = None
    updated_at: datetime | None = None
    stated_at: datetime | None = None
    read_by: str | None = None
    belief: Belief = NO_BELIEF
    checkout: Checkout | None = None
    doubt: Doubt | None = None
    objection: Objection | None = None
    overrides: Overrides = NO_OVERRIDES
    out_of_stock: Mapping[int, str] = field(default_factory=dict)
    unconfirmed_creates: int = 0
    external_key: str | None = None
    newest_order_before: int | None = None

    @property
    def placed_here(self) -> datetime:
        """When the sale was placed, in its own time zone while its document is kept; else in UTC."""
        found = _PLACED.search(self.document or "")
        return self.placed_at if found is None else datetime.fromisoformat(found[1])

    @property
    def dating(self) -> Dating:
        """What dates the version that the POS states."""
        return Dating(self.version, self.updated_at, self.stated_at)

    @property
    def override(self) -> Override | None:
        """The last override that is in force."""
        return self.overrides.last

    @property
    def sent_key(self) -> str:
        """The key that its order carries, if it has an order."""
        return self.external_key or self.sale_key

    @property
    def order_id(self) -> int | None:
        """The id of its order in BigCommerce, as far as is known."""
        return self.belief.order_id

    def order(self) -> CanonicalOrder:
        """Read the canonical order as it was recorded; a return with the sale that it was linked to.

        Raises:
            LedgerError: its document was dropped by retention, or cannot be read.

        """
        if self.document is None:
            raise LedgerError(f"{self.sale_key} keeps no document any more", "Record it again from its source.")
        try:
            return linked(CanonicalOrder.from_json(self.document), self.overrides)
        except ValueError as error:
            why = f"the document of {self.sale_key} cannot be read: {str(error)[:200]}"
            raise LedgerError(
                why, "Record it again from its source; syncd ledger verify tells what else is damaged."
            ) from None


def new_sale(  # noqa: PLR0913  a version, where it belongs and how it came
    said: IncomingVersion,
    store: str,
    at: datetime,
    *,
    lane: Lane = Lane.LIVE,
    history: bool = False,
    document: str | None = None,
    read_by: str | None = None,
) -> Sale:
    """Make a sale of its first version; its status is not decided yet."""
    return Sale(
        id=0,
        sale_key=said.order.sale_key,
        source=said.order.source,
        store=store,
        lane=lane,
        state=State.PENDING,
        recorded_at=at,
        changed_at=at,
        returns_of=said.order.returns_of,
        history=history,
        **_stated(said, document, read_by),
    )


def saying(sale: Sale, said: IncomingVersion, document: str | None = None, read_by: str | None = None) -> Sale:
    """Give a sale its new version; its status is not decided yet. ``read_by`` is the syncd that reads it."""
    order = said.order
    became_a_sale = sale.returns_of is not None and order.returns_of is None and order.total_inc_tax >= 0
    return replace(
        sale,
        belief=NO_BELIEF if became_a_sale else sale.belief,  # the order that showed a return is its original's
        returns_of=linked(order, sale.overrides).returns_of,
        tries=0,
        **_stated(said, document, read_by),
    )


def _stated(said: IncomingVersion, document: str | None, read_by: str | None) -> dict[str, Any]:
    """Return the fields of a sale that its version states."""
    order = said.order
    return {
        "fingerprint": said.fingerprint,
        "placed_at": order.placed_at,
        "business_day": order.day,
        "refunded_on": order.refunded_on,
        "currency": order.currency,
        "total_inc_tax": order.total_inc_tax,
        "total_tax": order.total_tax,
        "number": order.number,
        "location": order.location.label if order.location else None,
        "register": order.register.label if order.register else None,
        "document": document,
        "source_hold": said.hold,
        "version": order.version,
        "updated_at": order.updated_at,
        "stated_at": said.stated_at,
        "read_by": read_by,
    }


def linked(order: CanonicalOrder, decisions: Overrides) -> CanonicalOrder:
    """Link a return to the sale that a person named, unless the POS names one."""
    if decisions.link is None or order.returns_of is not None or order.total_inc_tax >= 0:
        return order
    return order.model_copy(update={"returns_of": decisions.link})


class IncomingVersion(Struct, frozen=True):
    """A version that arrives: its order, that order's fingerprint, and the sale as the ledger knows it (None: it is new).

    ``hold`` is why its source cannot answer for it, empty where it can; ``stated_at`` when the source stated it, where it is known.
    ``document`` is the order as JSON, where that has been written already.
    """

    order: CanonicalOrder
    fingerprint: str
    before: Sale | None = None
    hold: str = ""
    stated_at: datetime | None = None
    stated_by_file: bool = False
    document: str | None = None

    @property
    def dating(self) -> Dating:
        """What dates this version."""
        return Dating(self.order.version, self.order.updated_at, self.stated_at)


class Decider(Protocol):
    """The function that decides the status of a sale from its facts. Pure; the ledger is given one."""

    def __call__(self, sale: Sale, now: Now, incoming: IncomingVersion | None = None) -> Status:
        """Return the status of ``sale``; ``incoming`` is the version that has just arrived, parsed already."""
        ...


Router = Callable[[CanonicalOrder], str]
"""Names the store that a sale belongs to."""


def read_document(text: str | None) -> CanonicalOrder | None:
    """Read a kept document; None where there is none, or none that can be read."""
    try:
        return CanonicalOrder.from_json(text) if text else None
    except ValueError:
        return None
