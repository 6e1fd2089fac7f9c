"""What was looked at before a request is planned: catalog and customers, and for a change the order as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO
from syncd.ledger import UNTOUCHED, Sale, Trail
from syncd.mapping import LIVE, Matches, Occasion, Ours, Remote, Rules
from syncd.mapping.refund import Problem, Wanted

Ways = Sequence[Sequence[Mapping[str, Any]]]
"""The ways in which a refund could be made, each a list of payments, as BigCommerce offers them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a request rests on: matches; for a change, the order as it is and what we said before; for a return, its sale.

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
    refund: Wanted | Problem | None = None
    refund_ways: Ways | None = ()
    trail: Trail = UNTOUCHED
    archived_by_us: bool = False


def shows_on_another(order: CanonicalOrder, rules: Rules | None) -> bool:
    """Whether a return shows on the order of its original; one that belongs to no known sale may make its own, by rule."""
    own = order.returns_of is None and rules is not None and rules.unlinked_return == "negative_order"
    return is_return(order) and not own


def is_return(order: CanonicalOrder) -> bool:
    """Whether the sale only gives goods back."""
    return order.total_inc_tax < 0
