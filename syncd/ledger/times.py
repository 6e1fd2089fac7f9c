"""How the ledger keeps times: whole microseconds since 1970 in UTC, since databases round or drop zones silently."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """An aware time as microseconds since 1970."""
    return (at - _EPOCH) // _MICRO


@overload
def from_micros(micros: int) -> datetime: ...
@overload
def from_micros(micros: int | None) -> datetime | None: ...
def from_micros(micros: int | None) -> datetime | None:
    """Microseconds since 1970 as an aware time in UTC."""
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)
