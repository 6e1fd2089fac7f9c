"""What records name by id and do not say: looked up once, and forgotten after a quarter of an hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from syncd.clock import Clock
from syncd.sources.records import Document

K = TypeVar("K")
T = TypeVar("T")
_KEPT_S = 900.0
_MOST_KEPT = 20_000


class NameCache(Generic[K, T]):
    """Look-ups by id. ``look`` gets the ids that are not known yet and returns what it finds; ``absent`` stands for the others."""

    def __init__(self, clock: Clock, look: Callable[[Sequence[K]], Mapping[K, T]], absent: T) -> None:
        self._clock, self._look, self._absent = clock, look, absent
        self._kept: dict[K, T] = {}
        self._since: float | None = None

    def of(self, ids: Iterable[K | None]) -> Mapping[K, T]:
        """Return what is known of all ids so far; what is no id is left out.

        Raises:
            SourceError: the POS cannot be asked.

        """
        now = self._clock.elapsed().seconds
        if self._since is None or now - self._since > _KEPT_S or len(self._kept) > _MOST_KEPT:
            self._kept, self._since = {}, now
        missing = [one for one in dict.fromkeys(ids) if one and one not in self._kept]
        if missing:
            self._kept |= {**dict.fromkeys(missing, self._absent), **self._look(missing)}
        return self._kept


class Kept(Generic[T]):
    """One look-up that is made again after a quarter of an hour."""

    def __init__(self, clock: Clock, look: Callable[[], T], seconds: float = _KEPT_S) -> None:
        self._clock, self._look, self._seconds = clock, look, seconds
        self._value: tuple[float, T] | None = None

    def get(self) -> T:
        """Return it, looked up anew where it has grown old.

        Raises:
            SourceError: the POS cannot be asked.

        """
        now = self._clock.elapsed().seconds
        if self._value is None or now - self._value[0] > self._seconds:
            self._value = (now, self._look())
        return self._value[1]


def names_of(rows: Iterable[Document], field: str = "name") -> dict[str, str]:
    """Return the names of rows, by id."""
    return {str(row.get("id")): str(row.get(field) or "") for row in rows}
