"""The states of a sale, the moves between them, and the values that carry a move.

A transition is a value: whoever decides builds one, and only the ledger applies it, in one guarded statement that names
the state it expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a sale stands."""

    HELD = "held"  # needs a person
    PENDING = "pending"  # to be pushed, not before next_attempt_at
    SENDING = "sending"  # its intent is committed; the request may be on the wire
    SYNCED = "synced"  # BigCommerce says what the sale says
    REJECTED = "rejected"  # BigCommerce, or a rule, said no
    UNKNOWN = "unknown"  # we cannot know whether the request took effect; a look-up decides
    SKIPPED = "skipped"  # a person or a rule said: not this one


class Lane(StrEnum):
    """Which queue a sale waits in; live goes first."""

    LIVE = "live"
    BACKFILL = "backfill"


class Kind(StrEnum):
    """What an attempt tries to do."""

    CREATE = "create"
    UPDATE = "update"
    CANCEL = "cancel"
    ARCHIVE = "archive"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Synced:
    """BigCommerce has it, as ``order_id``; ``note`` is for the audit trail."""

    order_id: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """Try again, not before ``at``; ``order_id`` names an order that was found to be the sale's, and is to be brought in line."""

    at: datetime
    why: str
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """BigCommerce or a rule said no; ``cure`` says what a person can do."""

    why: str
    cure: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """It may have taken effect; the next look-up is due at ``look_up_at``."""

    look_up_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """A person must look; where the order exists, ``order_id`` names it (its totals differ, say)."""

    why: str
    cure: str
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Not this one."""

    why: str


Transition = Synced | Pending | Rejected | Unsure | Held | Skipped

# Every legal move, by name of what happens; the ledger refuses any other. docs/states.md is tested against this table.
MOVES: dict[State, frozenset[State]] = {
    State.HELD: frozenset({State.PENDING, State.SKIPPED, State.HELD}),
    State.PENDING: frozenset({State.SENDING, State.SYNCED, State.HELD, State.REJECTED, State.SKIPPED, State.PENDING}),
    State.SENDING: frozenset({State.SYNCED, State.PENDING, State.REJECTED, State.UNKNOWN, State.HELD, State.SKIPPED}),
    State.SYNCED: frozenset({State.PENDING, State.HELD, State.SKIPPED}),
    State.REJECTED: frozenset({State.PENDING, State.HELD, State.SKIPPED}),
    State.UNKNOWN: frozenset({State.SYNCED, State.PENDING, State.UNKNOWN, State.HELD}),
    State.SKIPPED: frozenset({State.PENDING, State.HELD, State.SKIPPED}),
}


def allowed(before: State, after: State) -> bool:
    """Whether a sale may move from ``before`` to ``after``."""
    return after in MOVES[before]
