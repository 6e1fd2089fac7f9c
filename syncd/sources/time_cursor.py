"""A cursor of two times (how far a walk by time of change has come, when the last days were swept), and time windows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from syncd.canonical import Cursor
from syncd.sources.records import moment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeCursor:
    """``reached`` is None where there is no walk to go on with: none yet, or a cursor that cannot be read or lies in the future."""

    reached: datetime | None = None
    swept_at: datetime = EPOCH

    @classmethod
    def read(cls, cursor: Cursor | None, latest: datetime | None = None) -> TimeCursor:
        """Return what a cursor says, unless it is of a time after ``latest``."""
        try:
            said = json.loads(cursor or "{}")
            at, looked = moment(said.get("at")), moment(said.get("looked"))
        except (ValueError, AttributeError):
            return cls()
        if at is not None and latest is not None and at > latest:
            at = None
        return cls(at, looked or EPOCH)

    def text(self) -> Cursor:
        """Return the cursor."""
        at = {} if self.reached is None else {"at": self.reached.astimezone(UTC).isoformat()}
        return json.dumps({**at, "looked": self.swept_at.astimezone(UTC).isoformat()})


def spans(begin: datetime, end: datetime, first: timedelta, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """``[begin, end]`` in parts that share their ends: the first ones short, so that there is soon something to see.

    Nothing where the end lies before the beginning.
    """
    step = first
    while begin < end:
        yield begin, min(begin + step, end)
        begin += step
        step = min(step * 2, longest)
