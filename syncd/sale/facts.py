"""The three facts that a sale's row keeps apart: what is said, what is believed of BigCommerce, what was decided.

What the POS says is the row itself (``sale.Sale``). Here are the others, with the doubt that a request without an answer leaves
and the objection that BigCommerce or the mapper raised. None of them says what is to be done: that is ``Status``, the answer of
the one function that decides, which the ledger is given and knows nothing of.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from syncd.clock import BootTime
from syncd.sale.states import AttemptKind, State


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """What an order says, as BigCommerce listed or answered it; None for what was not shown. Amounts in major units."""

    status_id: int | None = None
    total_inc_tax: Decimal | None = None
    total_tax: Decimal | None = None
    currency: str | None = None
    placed_at: datetime | None = None


NO_SNAPSHOT = OrderSnapshot()


@dataclass(frozen=True, slots=True)
class Belief:
    """What we know that BigCommerce was made to say.

    ``told`` is the fingerprint of the version that the order says for certain; None where that is in doubt, or where the order was
    found and not made by this ledger. ``asked`` are the total and the tax that our last write stated. ``differs`` tells in words
    what the order does not say of that version: what BigCommerce cannot change, and what a person changed there.
    """

    order_id: int | None = None
    told: str | None = None
    there: OrderSnapshot = NO_SNAPSHOT
    asked: tuple[Decimal, Decimal] | None = None
    differs: tuple[str, ...] = ()


NO_BELIEF = Belief()


@dataclass(frozen=True, slots=True)
class Doubt:
    """A request whose outcome is not known: its kind, the version that it said, since when, and the looks that found no order.

    ``named`` is an order that the answer named without our key: it is looked at before anything else. ``idle``: at the last look
    the store had made no order at all, for nobody, since before the request. ``interrupted``: we ended before there was an answer,
    so that nothing claims that the request arrived. ``more``: it did not say all of the version.
    """

    kind: AttemptKind
    fingerprint: str
    since: BootTime
    looks: tuple[BootTime, ...] = ()
    named: int | None = None
    idle: bool = False
    interrupted: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class Objection:
    """BigCommerce, a rule or the mapper objects to one version of the sale: the state that it rests in, why, and the cure."""

    fingerprint: str
    state: State
    why: str
    cure: str


@dataclass(frozen=True, slots=True)
class Status:
    """Where a sale stands, given its facts: its state, why, what a person can do, and when it is due (None: now, if at all).

    ``objects`` makes it an objection to this version, which stands until a person decides or the sale says something new.
    """

    state: State
    why: str = ""
    cure: str = ""
    at: datetime | None = None
    objects: bool = False


@dataclass(frozen=True, slots=True)
class StoreOrder:
    """An order of ours that the store has, with what it was listed to say."""

    order_id: int
    there: OrderSnapshot = NO_SNAPSHOT
    archived: bool = False
    others: tuple[int, ...] = field(default=())

    @property
    def rank(self) -> tuple[bool, int]:
        """Of several orders with one key, the least is ours: live before archived, then the lowest id."""
        return self.archived, self.order_id

    def beside(self, other: StoreOrder) -> StoreOrder:
        """The better one of two orders with the same key, naming the other."""
        if self.order_id == other.order_id:
            return self
        best, rest = (self, other) if self.rank < other.rank else (other, self)
        named = sorted({*best.others, *rest.others, *(() if rest.archived else (rest.order_id,))} - {best.order_id})
        return StoreOrder(best.order_id, best.there, best.archived, tuple(named))


@dataclass(frozen=True, slots=True)
class Trail:
    """The newest attempt that changes an order (0: none did), and whether one is on the wire or in doubt."""

    newest: int = 0
    busy: bool = False


UNTOUCHED = Trail()
