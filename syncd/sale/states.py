"""The states of a sale and the legal transitions between them; and those of backfills, lanes and attempts."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The state of a sale."""

    HELD = "held"  # needs a person
    PENDING = "pending"  # to be pushed, not before next_attempt_at
    SENDING = "sending"  # its intent is committed; the request may be on the wire
    SYNCED = "synced"  # BigCommerce says what the sale says
    REJECTED = "rejected"  # BigCommerce, or a rule, said no
    UNKNOWN = "unknown"  # we cannot know whether the request took effect; a look-up decides
    SKIPPED = "skipped"  # a person or a rule said: not this one


class Lane(StrEnum):
    """The queue that a sale waits in; live goes first."""

    LIVE = "live"
    BACKFILL = "backfill"


class BackfillStage(StrEnum):
    """The stage of a backfill."""

    ESTIMATING = "estimating"  # its sales are being counted
    ESTIMATED = "estimated"  # they are counted, and it waits for a word
    OPEN = "open"  # its sales are being recorded, or are about to be
    RECORDED = "recorded"  # all are in the ledger, and are pushed from there
    PAUSED = "paused"  # nothing of it is recorded or pushed
    CANCELLED = "cancelled"


class AttemptKind(StrEnum):
    """What an attempt tries to do."""

    CREATE = "create"
    UPDATE = "update"
    CANCEL = "cancel"
    ARCHIVE = "archive"
    REFUND = "refund"
    CART = "cart"  # makes the cart of a checkout
    DRESS = "dress"  # gives a checkout its address, delivery, charges, or message
    CONVERT = "convert"  # makes a draft order of a checkout
    FINISH = "finish"  # makes the draft the sale's order
    TIDY = "tidy"  # deletes a cart, or archives a draft that is nobody's order
    LOOK = "look"  # an order that this ledger did not make was compared with its sale; nothing was sent


MAKES_ORDER = frozenset({AttemptKind.CREATE, AttemptKind.CONVERT})
"""Attempts that make an order: one that is repeated makes another."""
REPEATABLE = frozenset({AttemptKind.CART, AttemptKind.DRESS, AttemptKind.TIDY})
"""Attempts of a checkout that are in no doubt: repeated, they double nothing."""

# Every legal move, by name of what happens; the ledger refuses any other. docs/states.md is tested against this table.
_OFF_THE_WIRE = frozenset({State.HELD, State.PENDING, State.SYNCED, State.REJECTED, State.SKIPPED})
MOVES: dict[State, frozenset[State]] = {
    State.HELD: _OFF_THE_WIRE,
    State.PENDING: _OFF_THE_WIRE | {State.SENDING},
    State.SENDING: _OFF_THE_WIRE | {State.UNKNOWN},
    State.SYNCED: _OFF_THE_WIRE,
    State.REJECTED: _OFF_THE_WIRE,
    State.UNKNOWN: _OFF_THE_WIRE | {State.UNKNOWN},
    State.SKIPPED: _OFF_THE_WIRE,
}
ON_THE_WIRE = frozenset({State.SENDING, State.UNKNOWN})
NOT_DONE = frozenset({*ON_THE_WIRE, State.PENDING, State.HELD, State.REJECTED})
