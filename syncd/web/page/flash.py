"""What was done is told on the page that follows, with a way back for a minute. Kept in memory, under names nobody can guess."""

from __future__ import annotations

import secrets
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from syncd.clock import Clock, Now
from syncd.formatting import count
from syncd.ledger import DecisionResult
from syncd.sale.overrides import Verb

LASTS = timedelta(minutes=1)
"""For how long a decision can be taken back, and a release waits before it is sent."""
_MOST = 500
_MOST_UNDONE = 20_000
_MOST_REASONS = 3
_DONE = {
    Verb.RETRY: "sent again",
    Verb.RELEASE: "released; sent in a minute",
    Verb.ACCEPT: "accepted",
    Verb.SKIP: "skipped",
    Verb.HOLD: "held",
    Verb.LINK: "linked",
    Verb.UNDO: "back to what it was before the last decision",
}
UNDOABLE = (Verb.RETRY, Verb.RELEASE, Verb.ACCEPT, Verb.SKIP, Verb.HOLD)


class Undo(Struct, frozen=True):
    """How to take a decision back: which one, whose and since when, and about which sales."""

    verb: Verb
    by: str
    since: datetime
    keys: tuple[str, ...]


class FlashMessage(Struct, frozen=True):
    """What was done, in words; what was left as it was, and why; ``undo``: how it is taken back."""

    words: str
    left: tuple[str, ...] = ()
    undo: Undo | None = None

    @property
    def sends_soon(self) -> bool:
        """Whether what was released still waits to be sent."""
        return self.undo is not None and self.undo.verb is Verb.RELEASE


def message_after(verb: Verb, result: DecisionResult, by: str, since: datetime) -> FlashMessage:
    """Tell what became of a decision."""
    moved = len(result.moved)
    words = f"{count(moved, 'sale')} {_DONE[verb]}." if moved else "Nothing was changed."
    can_undo = verb in UNDOABLE and 0 < moved <= _MOST_UNDONE
    return FlashMessage(words, _left(result.refused), Undo(verb, by, since, result.moved) if can_undo else None)


def _left(refused: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Tell why sales were left as they were, the most frequent reason first."""
    reasons = Counter(reason for _, reason in refused)
    told = [f"{count(number, 'sale')} unchanged: {reason}." for reason, number in reasons.most_common(_MOST_REASONS)]
    more = len(reasons) - _MOST_REASONS
    return (*told, f"{count(more, 'more reason')}.") if more > 0 else tuple(told)


class FlashMessages:
    """FlashMessages by name, for as long as they can be taken back; safe to use from many threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._kept: OrderedDict[str, tuple[Now, FlashMessage]] = OrderedDict()

    def keep(self, outcome: FlashMessage) -> str:
        """Return the name of an outcome, for an address."""
        name = secrets.token_hex(8)
        with self._lock:
            self._kept[name] = (Now.of(self._clock), outcome)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return name

    def get(self, name: str) -> FlashMessage | None:
        """Return an outcome; None where there is none of that name, or its time is over."""
        with self._lock:
            kept = self._kept.get(name)
        return kept[1] if kept is not None and Now.of(self._clock).age(kept[0]) < LASTS else None

    def take(self, name: str) -> FlashMessage | None:
        """Return an outcome that is taken back now: nobody takes it back again."""
        outcome = self.get(name)
        with self._lock:
            return outcome if self._kept.pop(name, None) is not None else None
