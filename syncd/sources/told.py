"""What a process has told of already: overlaps are read at every poll, and need be neither looked up nor recorded again."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.sources.documents import Document

_MOST = 20_000


class Told:
    """The documents that were recorded as they are, by id and mark of change; forgotten with the process, which costs a repeat."""

    def __init__(self, id_key: str, mark: str) -> None:
        self._id_key, self._mark = id_key, mark
        self._kept: dict[str, object] = {}

    def fresh(self, page: Sequence[Document]) -> list[Document]:
        """Those of a page that are new, or were changed since."""
        return [one for one in page if self._kept.get(str(one.get(self._id_key)), self) != one.get(self._mark)]

    def note(self, page: Sequence[Document]) -> None:
        """A page was recorded."""
        if len(self._kept) > _MOST:
            self._kept.clear()
        self._kept |= {str(one.get(self._id_key)): one.get(self._mark) for one in page}
