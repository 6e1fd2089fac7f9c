"""What a source yields: sales, a place to go on from, and what it could not read."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.canonical.order import CanonicalOrder

Cursor = str
"""An opaque JSON text that only the source that wrote it reads."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that could not be read: where it stood, why, and its raw text."""

    where: str
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some sales and faults, and the cursor that holds once they are recorded."""

    orders: tuple[CanonicalOrder, ...]
    faults: tuple[Fault, ...]
    cursor: Cursor
