"""The business days of an audit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

_ZONES = timedelta(hours=27)  # from the easternmost zone to the westernmost, and an hour


class Days(Struct, frozen=True):
    """A range of business days, both included; of one source, by the name in its sale keys, or of all."""

    first: date
    last: date
    keys: str | None = None

    def of(self, key: str) -> bool:
        """Whether the sale of a key belongs here, as far as its source goes."""
        return self.keys is None or key.startswith(f"{self.keys}:")

    def hold(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last

    @property
    def begin(self) -> datetime:
        """The instant before which no sale of these days was made, in whatever zone."""
        return datetime.combine(self.first, time(), UTC) - _ZONES
