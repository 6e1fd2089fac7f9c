"""What a source's adapter keeps for itself between runs: written at once, never shown, and in no backup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from syncd import logs
from syncd.errors import UsageError
from syncd.ledger.rows import to_micros
from syncd.ledger.schema import source_state
from syncd.ledger.transactions import Transactions

_START = "_start_from"
_ASKED = "_asked_first"
_WALK = "_walk_from"
OF_THE_START = (_START, _ASKED, _WALK)
_LONGEST = 64 * 1024


class PrivateState:
    """One source's names and values; safe to use from many threads and processes."""

    def __init__(self, source: str, database: Transactions) -> None:
        self._source, self._write, self._read, self._clock = source, database.write, database.read, database.clock

    def get(self, name: str) -> str | None:
        """Return the value of a name, None where it has none. It is kept out of the log from here on.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        value = self._read(lambda connection: _get(connection, self._source, name))
        logs.hide(value or "")
        return value

    def put(self, name: str, value: str) -> None:
        """Keep a value; it is durable on return.

        Raises:
            UsageError: the value is longer than 64 KiB.
            LedgerError: it could not be written.

        """
        self.swap(name, None, value)

    def swap(self, name: str, old: str | None, new: str) -> bool:
        """Put ``new`` in the place of ``old`` (of anything, where that is None); False where another one came first.

        A refresh token that works once must be replaced by one process alone: the loser reads the winner's.
        """
        if len(new) > _LONGEST:
            raise UsageError(f"{self._source}: the state {name!r} is longer than {_LONGEST} bytes")
        logs.hide(new)
        row = (self._source, name, new, True)
        now = self._clock.now()
        return self._write(lambda connection: _swap(connection, row, old, now))

    def start_from(self, wanted: Callable[[], datetime]) -> datetime:
        """Since when the source's sales are carried: settled at its first poll, for "now" must not move with every start."""
        return self._settled(_START, wanted)

    def begin_anew(self, newest: datetime, walk_from: datetime) -> datetime:
        """Begin where a ledger was lost: carry sales from the newest order on, look for changes from earlier on."""
        self._settled(_WALK, lambda: walk_from)
        return self._settled(_START, lambda: newest)

    def walk_from(self) -> datetime | None:
        """Since when changes are to be looked for, where that is not the same as since when sales are carried."""
        kept = self._read(lambda connection: _get(connection, self._source, _WALK))
        return datetime.fromisoformat(kept) if kept else None

    def asked_first(self) -> datetime:
        """When the source was to be polled for the first time: now, if it never was."""
        return self._settled(_ASKED, self._clock.now)

    def _settled(self, name: str, wanted: Callable[[], datetime]) -> datetime:
        """Return a time that is kept under a name, and stays; ``wanted`` where there is none yet."""
        now = self._clock.now()

        def settle(connection: Connection) -> datetime:
            kept = _get(connection, self._source, name)
            if kept is None:
                kept = wanted().isoformat()
                _swap(connection, (self._source, name, kept, False), None, now)
            return datetime.fromisoformat(kept)

        return self._write(settle)

    def kept_start(self) -> datetime | None:
        """Return the start as it was settled; None where the source was never polled."""
        kept = self._read(lambda connection: _get(connection, self._source, _START))
        return datetime.fromisoformat(kept) if kept else None

    def drop(self, name: str) -> None:
        """Forget a name."""
        where = (source_state.c.source == self._source, source_state.c.name == name)
        self._write(lambda connection: connection.execute(delete(source_state).where(*where)))


def _get(connection: Connection, source: str, name: str) -> str | None:
    where = (source_state.c.source == source, source_state.c.name == name)
    row = connection.execute(select(source_state.c.value).where(*where)).one_or_none()
    return row.value if row else None


def _swap(connection: Connection, row: tuple[str, str, str, bool], old: str | None, now: datetime) -> bool:
    source, name, value, secret = row
    at = to_micros(now)
    where = [source_state.c.source == source, source_state.c.name == name]
    if old is not None:
        where.append(source_state.c.value == old)
    if connection.execute(update(source_state).where(*where).values(value=value, at=at)).rowcount:
        return True
    if old is not None:
        return False
    connection.execute(insert(source_state).values(source=source, name=name, value=value, secret=int(secret), at=at))
    return True
