"""The steps that ``next_step`` may return, and the observation that a request rests on. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO
from syncd.mapping.model import Mapped, Matches, Payload, Remote
from syncd.mapping.refund import RefundProblem, Wanted
from syncd.mapping.rules import LIVE, Occasion
from syncd.mapping.stamp import Ours
from syncd.sale.checkout import CallKind, Checkout
from syncd.sale.facts import UNTOUCHED, Trail
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State


class Create(Struct, frozen=True):
    """Create an order; ``mapped`` is the request, once catalog and customers were looked up.

    ``more`` says that refund records are to follow before the order says all of this version; ``draft`` that it is made with
    status 0, to get its own status with a second request.
    """

    mapped: Mapped | None = None
    more: bool = False
    draft: bool = False


class Change(Struct, frozen=True):
    """Change the order; ``mapped`` is the request, once the order was read.

    ``more`` says that the order does not yet say all of this version once the request took effect.
    """

    kind: AttemptKind
    order_id: int | None
    mapped: Mapped | None = None
    more: bool = False


class LookUp(Struct, frozen=True):
    """Look a doubtful request up at ``at`` or later; send nothing before."""

    at: datetime
    why: str


class Wait(Struct, frozen=True):
    """Wait for something else, until ``until`` at least."""

    until: datetime
    why: str


class Hold(Struct, frozen=True):
    """Hold for a person. ``objects``: finding out took look-ups, so keep the result for this version.

    ``until``: it may end by itself, and is decided again then.
    """

    why: str
    cure: str
    objects: bool = False
    until: datetime | None = None


class Reject(Struct, frozen=True):
    """A rule, or BigCommerce, rejects this version."""

    why: str
    cure: str


class NoAction(Struct, frozen=True):
    """Do nothing: the sale is synced or skipped.

    ``differs`` tells in words what the order does not say of this version all the same; ``said`` is the stamp of what it says.
    """

    state: State
    why: str = ""
    differs: tuple[str, ...] = ()
    said: str = ""


class CheckoutCall(Struct, frozen=True):
    """Make the next call of a sale's checkout; ``name`` is the client's, or that of an order's PUT or archiving.

    ``payload`` is its body, None where it has none. ``order_id`` is the draft that it changes. ``said`` is the stamp of what the
    order says afterwards; ``totals`` (total, tax) are what it must show then, where they are not the sale's; ``differs`` what it
    will not say of the sale.
    """

    kind: AttemptKind
    name: CallKind
    checkout: Checkout
    payload: Payload | None = None
    why: str = ""
    order_id: int | None = None
    said: str = ""
    totals: tuple[Decimal, Decimal] | None = None
    differs: tuple[str, ...] = ()


class Compared(Struct, frozen=True):
    """What comes of a checkout without a call: its totals were compared, or its cart is gone."""

    checkout: Checkout
    why: str


Step = Create | Change | CheckoutCall | Compared | LookUp | Wait | Hold | Reject | NoAction


Ways = Sequence[Sequence[Mapping[str, Any]]]
"""The ways in which BigCommerce offers to make a refund, each a list of payments."""


class Observation(Struct, frozen=True):
    """What a request is computed from: matches; for a change, the order as it is and our earlier requests; for a return, its sale.

    ``trail`` is what had been sent to the order before it was looked at; where that is on its way, nothing was looked at.
    ``refund_ways`` are None where they were not asked for, since the order does not have that much money left as it is.
    ``includes_tax``: whether the store's prices include tax. ``checkout`` is the sale's as the store shows it, where it was asked
    for; ``cart_is_gone`` where there is none any more.
    ``touched``: the order was changed in BigCommerce since a checkout made it, and nobody knows what of it.
    ``archived_by_us``: the last thing that was sent for the sale archived its order.
    ``order`` is the sale as the shop's hook has it; ``currencies`` are those that the store takes, empty where it does not say.
    """

    order: CanonicalOrder
    matches: Matches
    occasion: Occasion = LIVE
    currencies: tuple[str, ...] = ()
    remote: Remote | None = None
    ours: Ours | None = None
    original: Sale | None = None
    returned_before: Decimal = ZERO
    refund: Wanted | RefundProblem | None = None
    refund_ways: Ways | None = ()
    trail: Trail = UNTOUCHED
    archived_by_us: bool = False
    includes_tax: bool = False
    checkout: Mapping[str, Any] | None = None
    cart_is_gone: bool = False
    touched: bool = False
