"""What is known of a sale's order: the belief, the doubt after a lost answer, the objection, and the status that follows.

The POS's own version is the sale itself (``sale.Sale``), people's decisions are its ``overrides``. None of these facts says what is
to be done: ``decide.next_step`` does.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.clock import BootTime
from syncd.sale.states import AttemptKind, State


class OrderSnapshot(Struct, frozen=True):
    """An order as BigCommerce listed or answered it; None for what was not shown. Amounts in major units."""

    status_id: int | None = None
    total_inc_tax: Decimal | None = None
    total_tax: Decimal | None = None
    currency: str | None = None
    placed_at: datetime | None = None


NO_SNAPSHOT = OrderSnapshot()


class Belief(Struct, frozen=True):
    """What is known of the order that BigCommerce has for a sale.

    ``confirmed_version`` is the fingerprint of the version that the order shows for certain; None where that is in doubt, or where
    the order was found and not made by this ledger. ``requested_totals`` are the total and the tax that our last request stated.
    ``differs`` says in words what the order does not show of that version: what BigCommerce cannot change, and what staff changed.
    """

    order_id: int | None = None
    confirmed_version: str | None = None
    snapshot: OrderSnapshot = NO_SNAPSHOT
    requested_totals: tuple[Decimal, Decimal] | None = None
    differs: tuple[str, ...] = ()


NO_BELIEF = Belief()


class Doubt(Struct, frozen=True):
    """A request whose outcome is not known: its kind and version, since when, and the look-ups that found no order.

    ``named`` is an order that the answer named without our key: look at it first. ``idle``: at the last look the store had made no
    order at all since before the request. ``interrupted``: syncd ended before the answer, so nothing claims that the request
    arrived. ``more``: the request did not state all of the version.
    """

    kind: AttemptKind
    fingerprint: str
    since: BootTime
    looks: tuple[BootTime, ...] = ()
    named: int | None = None
    idle: bool = False
    interrupted: bool = False
    more: bool = False


class Objection(Struct, frozen=True):
    """BigCommerce, a rule or the mapper rejected one version of the sale: its state until that changes, the reason and the cure."""

    fingerprint: str
    state: State
    why: str
    cure: str


class Status(Struct, frozen=True):
    """The status of a sale: its state, the reason, what a person can do, and when it is due (None: now, if at all).

    ``objects`` keeps it as an objection to this version, until a person decides or a new version arrives.
    """

    state: State
    why: str = ""
    cure: str = ""
    at: datetime | None = None
    objects: bool = False


class StoreOrder(Struct, frozen=True):
    """An order in the store that carries one of our keys, as it was listed.

    ``draft``: a checkout was converted to it, and it is no sale yet; its message carries the key. ``cart_id`` is that checkout's.
    """

    order_id: int
    snapshot: OrderSnapshot = NO_SNAPSHOT
    archived: bool = False
    draft: bool = False
    cart_id: str | None = None
    duplicates: tuple[int, ...] = field(default=())

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """The order to prefer among several with one key has the lowest rank: no draft, not archived, then the lowest id."""
        return self.draft, self.archived, self.order_id

    def preferred(self, other: StoreOrder) -> StoreOrder:
        """Return the preferred one of two orders with the same key, with the other as its duplicate."""
        if self.order_id == other.order_id:
            return self
        best, rest = (self, other) if self.rank < other.rank else (other, self)
        named = sorted(
            {*best.duplicates, *rest.duplicates, *(() if rest.archived or rest.draft else (rest.order_id,))}
            - {best.order_id}
        )
        return replace(best, duplicates=tuple(named))


class Trail(Struct, frozen=True):
    """The newest attempt that changed an order (0: none), and whether one is being sent or in doubt."""

    newest: int = 0
    busy: bool = False


UNTOUCHED = Trail()
