"""Which of two versions of a sale counts: the table of docs/states.md as one function. Pure.

A till's exports, pages and webhooks repeat themselves and overtake each other. What dates a version, in this order: the POS's own
version number; its time of change; else when the statement was made (a file's own time, or when the POS was asked).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Order(StrEnum):
    """How a version that arrives stands to the one that is known."""

    NEWER = "newer"  # it counts from now on
    OLDER = "older"  # it is left alone
    UNCLEAR = "unclear"  # nothing tells: it is held, and a person decides


@dataclass(frozen=True, slots=True)
class Dating:
    """What dates a version; ``stated_at`` is when its statement was made, None where that is not known. Times are aware."""

    version: str | None = None
    updated_at: datetime | None = None
    stated_at: datetime | None = None


def order_of(new: Dating, known: Dating, said_before: Callable[[], bool]) -> Order:
    """How ``new``, which says something else than ``known``, stands to it.

    ``said_before`` tells whether the sale has said exactly this earlier; it is asked only where the answer matters.
    """
    if new.version and known.version and new.version.isdigit() and known.version.isdigit():
        ours, theirs = int(new.version), int(known.version)
        if ours != theirs:
            return Order.NEWER if ours > theirs else Order.OLDER
    for at, known_at, repeated in (
        (new.updated_at, known.updated_at, Order.OLDER),
        (new.stated_at, known.stated_at, Order.UNCLEAR),
    ):
        if at is not None and known_at is not None:
            if at != known_at:
                return Order.NEWER if at > known_at else Order.OLDER
            return repeated if said_before() else Order.NEWER
    return Order.UNCLEAR if said_before() else Order.NEWER


def is_later(new: Dating, known: Dating) -> bool:
    """Whether a version that says the same was said later: what was said last, and when, is kept even where nothing changed."""
    return order_of(new, known, lambda: True) is Order.NEWER


def latest(new: Dating, known: Dating) -> Dating:
    """The later of each, for two versions that say the same."""
    updated, stated = (
        max((at for at in pair if at is not None), default=None)
        for pair in ((new.updated_at, known.updated_at), (new.stated_at, known.stated_at))
    )
    return Dating(new.version or known.version, updated, stated)
