"""What follows for a sale, as values: one of these is the answer of ``next_step``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from syncd.ledger import Kind, Standing, State
from syncd.mapping import Mapped


@dataclass(frozen=True, slots=True)
class Create:
    """An order is to be made; ``mapped`` is the request, once catalog and customers were looked at.

    ``more`` says that refund records are to follow before the order says all of this version.
    """

    mapped: Mapped | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The order that there is, is to be changed; ``mapped`` is the request, once the order was looked at.

    ``more`` says that the order does not yet say all of this version once the request took effect.
    """

    kind: Kind
    order_id: int | None
    mapped: Mapped | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """Whether a request took effect is not known: nothing is sent before a look at ``at`` or later."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Something else must come first: not before ``until``."""

    until: datetime
    why: str


def behind(order_id: int, now: datetime) -> Wait:
    """What waits for another change of its order to be settled: the next one is computed from what that leaves there."""
    return Wait(now + timedelta(seconds=1), f"waits for another change of order {order_id}")


@dataclass(frozen=True, slots=True)
class Hold:
    """A person must look. ``objects``: it was found out at great length, and is not to be found out again for this version.

    ``until``: it may end by itself, and is thought over again then.
    """

    why: str
    cure: str
    objects: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A rule, or BigCommerce, says no to this version."""

    why: str
    cure: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is to be done: synced or skipped.

    ``differs`` tells in words what the order does not say of this version all the same; ``said`` is the stamp of what it says.
    """

    state: State
    why: str = ""
    differs: tuple[str, ...] = ()
    said: str = ""


Step = Create | Change | LookUp | Wait | Hold | Reject | Rest


def standing(step: Step) -> Standing:
    """The state that a step is known by in the ledger, with its words."""
    match step:
        case Create() | Change():
            return Standing(State.PENDING)
        case LookUp(at=at, why=why):
            return Standing(State.UNKNOWN, why, at=at)
        case Wait(until=until, why=why):
            return Standing(State.PENDING, why, at=until)
        case Hold(why=why, cure=cure, objects=objects, until=until):
            return Standing(State.HELD, why, cure, at=until, objects=objects)
        case Reject(why=why, cure=cure):
            return Standing(State.REJECTED, why, cure, objects=True)
        case Rest(state=state, why=why):
            return Standing(state, why)


def digest(content: bytes) -> str:
    """16 hex digits that name a payload, as it is written."""
    return blake2b(content, digest_size=8).hexdigest()
