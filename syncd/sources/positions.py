"""How far a walk through a list has come: what the cursors of accounts and databases hold. And windows of time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.canonical import Cursor
from syncd.sources.records import moment

Position = datetime | int
"""A place in a list: an aware time, or a version that grows with every change."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE = ("",)
"""The partitions of a list that is one."""


class Positions(Struct, frozen=True):
    """What a cursor holds: how far each partition was walked, and when the last days were last read again.

    ``passed`` remembers, for lists by version, which version was reached when; newest last.
    """

    reached: Mapping[str, Position] = field(default_factory=dict)
    looked_at: datetime = EPOCH
    passed: tuple[tuple[datetime, int], ...] = ()

    @classmethod
    def read(cls, cursor: Cursor | None, latest: datetime | None = None) -> Positions:
        """Return what a cursor says; of a time after ``latest``, and of what cannot be read, nothing."""
        try:
            said = json.loads(cursor or "{}")
            found = {str(part): _position(value) for part, value in said.get("at", {}).items()}
            looked = moment(said.get("looked"))
            passed = [(moment(at), _position(version)) for at, version in said.get("passed") or ()]
        except (ValueError, AttributeError, TypeError):
            return cls()
        good = {part: at for part, at in found.items() if at is not None and not _is_later(at, latest)}
        marks = tuple((at, version) for at, version in passed if at is not None and isinstance(version, int))
        return cls(good, looked or EPOCH, marks)

    @property
    def time(self) -> datetime | None:
        """The time that was reached, of a list by time that is one; None where there is no walk to go on with."""
        reached = self.reached.get("")
        return reached if isinstance(reached, datetime) else None

    def text(self) -> Cursor:
        """Return the cursor."""
        at = {part: _text(place) for part, place in sorted(self.reached.items())}
        passed = {"passed": [[_text(when), version] for when, version in self.passed]} if self.passed else {}
        return json.dumps({"at": at, "looked": _text(self.looked_at), **passed})

    def move(self, where: Sequence[str], reached: Position | None) -> Positions:
        """Return these positions with some partitions moved on; none ever goes back."""
        if reached is None:
            return self
        moved = {part: max((self.reached.get(part, reached), reached), key=order_of) for part in where}
        return replace(self, reached={**self.reached, **moved})

    def looked(self, now: datetime, look_back: timedelta) -> Positions:
        """Return these positions once the last days were read again, with the versions that later look-backs need."""
        versions = [place for place in self.reached.values() if isinstance(place, int)]
        marks = (*self.passed, *((now, version) for version in versions[:1]))
        old = [mark for mark in marks if mark[0] <= now - look_back][-1:]
        return replace(self, looked_at=now, passed=(*old, *(mark for mark in marks if mark[0] > now - look_back)))

    def version_at(self, when: datetime) -> int | None:
        """Return the version that had been reached at a time, or a little before; the oldest known where that was later."""
        before = [version for at, version in self.passed if at <= when]
        return before[-1] if before else self.passed[0][1] if self.passed else None

    def groups(self, most: int) -> Iterator[tuple[str, ...]]:
        """Yield partitions that are asked for together: those at one place of the walk, at most so many."""
        rest = sorted(self.reached, key=lambda part: (order_of(self.reached[part]), part))
        while rest:
            same = [part for part in rest if self.reached[part] == self.reached[rest[0]]][:most]
            rest = [part for part in rest if part not in same]
            yield tuple(same)


def order_of(place: Position) -> float:
    """Return what positions of one kind are ordered by."""
    return place.timestamp() if isinstance(place, datetime) else place


def _position(value: object) -> Position | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    return moment(value)


def _is_later(place: Position, latest: datetime | None) -> bool:
    return latest is not None and isinstance(place, datetime) and place > latest


def _text(place: Position) -> str | int:
    return place.astimezone(UTC).isoformat() if isinstance(place, datetime) else place


def spans(begin: datetime, end: datetime, first: timedelta, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """``[begin, end]`` in parts that share their ends: the first ones short, so that there is soon something to see.

    Nothing where the end lies before the beginning.
    """
    step = first
    while begin < end:
        yield begin, min(begin + step, end)
        begin += step
        step = min(step * 2, longest)
