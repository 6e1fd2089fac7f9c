"""The records that a process has handed on lately: overlaps are read at every poll, and need not be recorded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

_MOST = 20_000

T = TypeVar("T")


class RecentRecords(Generic[T]):
    """The records that were recorded as they are, by id and mark of change; forgotten with the process, which costs a repeat."""

    def __init__(self, id_of: Callable[[T], str], mark_of: Callable[[T], object]) -> None:
        self._id_of, self._mark_of = id_of, mark_of
        self._kept: dict[str, object] = {}

    def fresh(self, page: Sequence[T]) -> list[T]:
        """Those of a page that are new, or were changed since."""
        return [one for one in page if self._kept.get(self._id_of(one), self) != self._mark_of(one)]

    def forget(self, ids: Iterable[str]) -> None:
        """Forget records, so that they count as new should they come back."""
        for one in ids:
            self._kept.pop(one, None)

    def note(self, page: Sequence[T]) -> None:
        """Note a page that was recorded."""
        if len(self._kept) > _MOST:
            self._kept.clear()
        self._kept |= {self._id_of(one): self._mark_of(one) for one in page}
