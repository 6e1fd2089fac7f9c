"""The steps that ``next_step`` may return, and the observation that a request rests on. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO
from syncd.mapping.model import Mapped, Matches, Remote
from syncd.mapping.refund import RefundProblem, Wanted
from syncd.mapping.rules import LIVE, Occasion
from syncd.mapping.stamp import Ours
from syncd.sale.facts import UNTOUCHED, Trail
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State


@dataclass(frozen=True, slots=True)
class Create:
    """Create an order; ``mapped`` is the request, once catalog and customers were looked up.

    ``more`` says that refund records are to follow before the order says all of this version.
    """

    mapped: Mapped | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Change the order; ``mapped`` is the request, once the order was read.

    ``more`` says that the order does not yet say all of this version once the request took effect.
    """

    kind: AttemptKind
    order_id: int | None
    mapped: Mapped | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """Look a doubtful request up at ``at`` or later; send nothing before."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for something else, until ``until`` at least."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold for a person. ``objects``: finding out took look-ups, so keep the result for this version.

    ``until``: it may end by itself, and is thought over again then.
    """

    why: str
    cure: str
    objects: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A rule, or BigCommerce, rejects this version."""

    why: str
    cure: str


@dataclass(frozen=True, slots=True)
class NoAction:
    """Do nothing: the sale is synced or skipped.

    ``differs`` tells in words what the order does not say of this version all the same; ``said`` is the stamp of what it says.
    """

    state: State
    why: str = ""
    differs: tuple[str, ...] = ()
    said: str = ""


Step = Create | Change | LookUp | Wait | Hold | Reject | NoAction


Ways = Sequence[Sequence[Mapping[str, Any]]]
"""The ways in which BigCommerce offers to make a refund, each a list of payments."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a request is computed from: matches; for a change, the order as it is and our earlier requests; for a return, its sale.

    ``trail`` is what had been sent to the order before it was looked at; where that is on its way, nothing was looked at.
    ``refund_ways`` are None where they were not asked for, since the order does not have that much money left as it is.
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
