"""What a source is: the protocol that every adapter fulfils. ``doors`` has what it may do besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from msgspec import Struct
from pydantic import BaseModel

from syncd.canonical import Batch, Cursor


class Finding(Struct, frozen=True):
    """One line of ``syncd check``: how it stands, what was found, and the cure where there is something to mend."""

    level: Literal["ok", "warning", "error", "mismatch"]  # a mismatch: config and store do not fit together
    what: str
    cure: str = ""


class Source(Protocol):
    """A configured POS connection. An adapter's class takes ``(settings, context)`` and names its ``Settings`` model.

    **Who sets what.** Every order's ``source`` is ``context.name``; its ``sale_id`` is the POS's own id, the same for ever,
    whatever happens to the sale. A return of its own names its original in ``returns_of`` as a sale key: ``f"{name}:{sale_id}"``;
    a line that came back may name it by itself (``origin``). A document that sells as well is told whole: a batch takes it apart.

    **Its past.** ``HAS_PAST = False`` says that all that comes is wanted, however old: nobody's account is walked. Where it is not
    set, a source without a drop folder has a past, and its sales are sent from the first poll on (``start_from``).

    **Batches** of a hundred to a thousand sales: each is one transaction, and memory holds one at a time.

    **Threads.** One thread walks a source at a time; ``fetch_one`` and ``receive`` may be called from others meanwhile.

    **Cursors.** ``fetch`` may yield any sale again: repeats cost nothing. A batch's cursor must promise that a walk that begins
    there sees every change that no batch up to this one has told of. The cursor is written in the transaction of its batch;
    None leaves the one before. A cursor that is too old, lies in the future or cannot be read must lead to a walk that sees too
    much rather than too little.
    """

    Settings: ClassVar[type[BaseModel]]

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Yield what is new or changed since the cursor; None begins at ``context.start_from()``.

        Code after a yield runs only once that batch is recorded. Ends early, between batches, once ``context.stop`` is set.

        Raises:
            SourceError: the source as a whole cannot be read (``Throttled``, ``Denied``, ``Unavailable``).

        """
        ...

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield every sale placed in ``[start, end)``, for a backfill.

        Cursors are those of this very walk; ``since`` is the last that was recorded before it was cut off. A source that reads
        files of its own may ignore it and begin anew.

        Raises:
            SourceError: the source as a whole cannot be read.

        """
        ...

    def check(self) -> Sequence[Finding]:
        """Try the connection without reading sales or changing anything; what is wrong is a finding, with its cure."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
