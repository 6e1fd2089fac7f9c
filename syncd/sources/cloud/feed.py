"""How the records of an account are listed, and how far a walk through the list has come. Values only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from syncd.canonical import Cursor
from syncd.sources.records import Document, moment

Position = datetime | int
"""A place in a list: an aware time, or a version that grows with every change."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE = ("",)
"""The partitions of a list that is one."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How records are listed.

    ``id`` and ``mark`` are the fields that name a record and tell its versions apart (no mark: all that it says). ``changed`` and
    ``placed`` are the times by which a list can be asked for: of the last change, and of the sale. ``look_back`` is the time by
    which the last days are read again.

    ``spans``: the list is not oldest first, so it is walked in spans of time (``first_span``, then each twice as long up to
    ``longest_span``), and the cursor moves at the end of each. ``ahead``: a walk ends so much after now; None: it has no end.

    A range is asked for from ``early`` before it to ``late`` after it (None: to now): tills send some sales later than they made
    them. ``cursor_every``: where nothing was sold, the cursor is written so often. ``oldest``: nothing is older.
    """

    changed: str
    placed: str
    look_back: str = ""
    id: str = "id"
    mark: str = ""
    spans: bool = False
    first_span: timedelta = timedelta(days=1)
    longest_span: timedelta = timedelta(days=128)
    ahead: timedelta | None = None
    early: timedelta = timedelta(minutes=5)
    late: timedelta | None = timedelta(days=4)
    cursor_every: timedelta = timedelta(hours=1)
    oldest: datetime = EPOCH
    partitions_at_once: int = 1


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a list: the partitions that are asked together, the field of the time, from where, and up to where."""

    where: tuple[str, ...]
    field: str
    begin: Position
    end: Position | None = None

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Both ends, of a list that is walked in spans of time."""
        assert isinstance(self.begin, datetime)  # noqa: S101  such a list has no versions
        assert isinstance(self.end, datetime)  # noqa: S101  and its walks have ends
        return self.begin, self.end

    def is_passed(self, reached: Position | None) -> bool:
        """Whether a list that is oldest first has come to the end of what was asked for."""
        return self.end is not None and reached is not None and _order(reached) > _order(self.end)

    @property
    def since(self) -> datetime:
        """The beginning, of a list by time."""
        assert isinstance(self.begin, datetime)  # noqa: S101  it has no versions
        return self.begin


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a list, oldest change first; ``reached`` is the place up to which all was seen with this page.

    ``reached`` is None where the list is not oldest first. ``left_out``: counts of what is not there, in words after a number.
    """

    records: Sequence[Document]
    reached: Position | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Positions:
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

    def text(self) -> Cursor:
        """Return the cursor."""
        at = {part: _text(place) for part, place in sorted(self.reached.items())}
        passed = {"passed": [[_text(when), version] for when, version in self.passed]} if self.passed else {}
        return json.dumps({"at": at, "looked": _text(self.looked_at), **passed})

    def move(self, where: Sequence[str], reached: Position | None) -> Positions:
        """Return these positions with some partitions moved on; none ever goes back."""
        if reached is None:
            return self
        moved = {part: max((self.reached.get(part, reached), reached), key=_order) for part in where}
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
        rest = sorted(self.reached, key=lambda part: (_order(self.reached[part]), part))
        while rest:
            same = [part for part in rest if self.reached[part] == self.reached[rest[0]]][:most]
            rest = [part for part in rest if part not in same]
            yield tuple(same)


def _order(place: Position) -> float:
    return place.timestamp() if isinstance(place, datetime) else place


def _position(value: object) -> Position | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    return moment(value)


def _is_later(place: Position, latest: datetime | None) -> bool:
    return latest is not None and isinstance(place, datetime) and place > latest


def _text(place: Position) -> str | int:
    return place.astimezone(UTC).isoformat() if isinstance(place, datetime) else place
