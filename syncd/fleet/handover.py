"""What the holder of a store writes for the next one: its quota and its circuit, so that a store that changes hands sends no burst.

It is kept in the store's own row, with the time of the database's clock. What is missing or cannot be read costs nothing but care:
whoever knows nothing of a quota begins with few requests at a time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import DecodeError, Struct, json

from syncd.bigcommerce.governor import GovernorReport, QuotaState
from syncd.clock import Clock
from syncd.ledger import Ledger
from syncd.push.worker.circuit_breaker import CircuitState
from syncd.stores import StoreServices

_PLENTY = 0.75  # of a window: with so much left, the next holder learns the rest from its first answer
_LONGEST = timedelta(hours=2)


class Handover(Struct, frozen=True):
    """What a worker knew of a store when it gave it back."""

    by: str
    at: datetime
    quota: QuotaState
    circuit: CircuitState

    @property
    def is_needed(self) -> bool:
        """Whether the next holder could do wrong without it."""
        quota, circuit = self.quota, self.circuit
        scarce = quota.quota is not None and quota.left < quota.quota * _PLENTY
        learned = quota.quota is None and quota.at_once > 1
        return (
            scarce
            or learned
            or bool(quota.blocked_for_s or quota.refusals or quota.errors or circuit.stumbles or circuit.forbidden)
        )


def known_quota(ledger: Ledger, clock: Clock, store: str) -> GovernorReport | None:
    """Return how a store's quota stands, as its last holder wrote it; None where nobody need know: most of it is left."""
    text = ledger.turns.handed_over(store)
    try:
        known = _HANDOVER.decode(text) if text else None
    except DecodeError:
        return None
    if known is None or known.quota.quota is None:
        return None
    quota, age_s = known.quota, (clock.now() - known.at).total_seconds()
    whole = age_s >= quota.resets_in_s
    left = float(known.quota.quota) if whole else quota.left
    return GovernorReport(quota.quota, int(left), quota.window_s, max(quota.resets_in_s - age_s, 0.0), waiting=0)


_HANDOVER = json.Decoder(Handover)


def hand_over(store: StoreServices, ledger: Ledger, clock: Clock, worker: str) -> None:
    """Write what this worker knows of a store, or nothing where nobody needs it."""
    known = Handover(worker, clock.now(), store.governor.hand_over(), store.circuit.hand_over())
    text = json.encode(known).decode() if known.is_needed else ""
    if text or ledger.turns.handed_over(store.name):
        ledger.turns.hand_over(store.name, text)


def take_over(store: StoreServices, ledger: Ledger, clock: Clock, worker: str) -> bool:
    """Go on with what the last holder knew, unless that was this worker; True where it was another."""
    text = ledger.turns.handed_over(store.name)
    try:
        known = _HANDOVER.decode(text) if text else None
    except DecodeError:
        known = None  # of another version: its holder's knowledge is not worth an error
    if known is None or known.by == worker:
        return False
    age = clock.now() - known.at
    if not timedelta(0) <= age <= _LONGEST:
        age = min(max(age, timedelta(0)), _LONGEST)
    store.governor.take_over(known.quota, age.total_seconds())
    store.circuit.take_over(known.circuit)
    return True
