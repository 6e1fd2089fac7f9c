"""How the records of an account are listed. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from syncd.sources.positions import EPOCH, Position, order_of
from syncd.sources.records import Document


class Feed(Struct, frozen=True):
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


class Ask(Struct, frozen=True):
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
        return self.end is not None and reached is not None and order_of(reached) > order_of(self.end)

    @property
    def since(self) -> datetime:
        """The beginning, of a list by time."""
        assert isinstance(self.begin, datetime)  # noqa: S101  it has no versions
        return self.begin


class Page(Struct, frozen=True):
    """Some records of a list, oldest change first; ``reached`` is the place up to which all was seen with this page.

    ``reached`` is None where the list is not oldest first. ``left_out``: counts of what is not there, in words after a number.
    """

    records: Sequence[Document]
    reached: Position | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
