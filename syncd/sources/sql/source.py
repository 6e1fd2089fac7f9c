"""The SQL source: a till's database, polled by time of sale or of change, its last days looked over again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor, Fault
from syncd.errors import SourceError, UsageError
from syncd.sources.base import Finding
from syncd.sources.context import SourceContext
from syncd.sources.dedup import RecentRecords
from syncd.sources.positions import WHOLE, Positions
from syncd.sources.records import parse_each
from syncd.sources.setup import Setup
from syncd.sources.sql.database import Database
from syncd.sources.sql.preset import RowQuery, SaleRows
from syncd.sources.sql.presets import preset
from syncd.sources.sql.schema import Schema
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.sql.setup import SETUP
from syncd.sources.sql.walk import missing, pages

_RAW_KEPT = 2000
_AHEAD = timedelta(days=1)  # how far a till's clock may be ahead of ours


class SqlSource:
    """One till's database, or one that several tills share."""

    Settings: ClassVar[type[BaseModel]] = SqlSettings
    SETUP: ClassVar[Setup] = SETUP

    @staticmethod
    def settings_for(table: Mapping[str, object]) -> type[BaseModel]:
        """Return the settings of the preset that a table names.

        Raises:
            UsageError: there is no such preset.

        """
        return preset(str(table.get("preset", "queries"))).options

    def __init__(self, settings: SqlSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        url = settings.url.get_secret_value()
        self._database = Database(url, settings.patience, context.base_dir, trusted=settings.may_write)
        self._asked: RowQuery | None = None
        self._told = RecentRecords[SaleRows](lambda sale: sale.id, lambda sale: sale.digest)

    @property
    def _ask(self) -> RowQuery:
        """What to ask for: found out at the first look, and for good, until syncd is started anew."""
        if self._asked is None or not self._asked.sure:
            with self._database.look() as connection:
                self._asked = preset(self._settings.preset).prepare(
                    Schema(connection), self._settings, self._context.name
                )
        return self._asked

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Yield what was sold or changed since the cursor, less an overlap; every few minutes the last days as a whole."""
        now = self._context.clock.now()
        known = Positions.read(since, now + _AHEAD)
        reached = known.time
        begin = reached - self._settings.overlap if reached else self._context.start_from()
        yield from self._walk((begin, None), known)
        if self._context.stop.is_set():
            return
        if not timedelta(0) <= now - known.looked_at < self._settings.look_back_every:
            yield from self._look_over(now)

    def _walk(self, span: tuple[datetime, datetime | None], known: Positions) -> Iterator[Batch]:
        """Page after page; the cursor never lies ahead of our clock, however wrong a till's is."""
        now, at, ask = self._context.clock.now(), known, self._ask
        for page in pages(self._database, ask, ask.mark, span, self._settings.page):
            if page.reached is not None:
                at = at.move(WHOLE, min(page.reached, now))
            if fresh := self._told.fresh(page.sales):
                yield self._batch(fresh, at.text())
                self._told.note(fresh)
            if self._context.stop.is_set():
                return

    def _look_over(self, now: datetime) -> Iterator[Batch]:
        """Yield the last days again, by time of sale, for what shows no change; then what of them is not there any more."""
        begin = max(now - self._settings.look_back, self._context.start_from())
        seen, ask = set[str](), self._ask
        for page in pages(self._database, ask, ask.placed, (begin, None), self._settings.page):
            seen.update(sale.id for sale in page.sales)
            if fresh := self._told.fresh(page.sales):
                yield self._batch(fresh, None)
                self._told.note(fresh)
            if self._context.stop.is_set():
                return
        gone = self._gone(begin, now + _AHEAD, seen) if self._settings.deleted == "void" else Batch((), (), None)
        yield Batch((), gone.faults, Positions({"": now}, now).text(), deleted_ids=gone.deleted_ids)

    def _gone(self, begin: datetime, end: datetime, seen: set[str]) -> Batch:
        """Return the sales that were handed on before and are not there any more.

        Very many at once are no deletions: a backup was restored.
        """
        known = [one for one in self._context.known(begin, end) if one not in seen]
        gone = missing(self._database, self._ask, known)
        self._told.forget(gone)
        if len(gone) <= self._settings.deleted_at_most:
            return Batch((), (), None, deleted_ids=tuple(gone))
        why = (
            f"{len(gone)} sales of the last days are not in the database any more, {gone[0]} among them: more than"
            f" deleted_at_most ({self._settings.deleted_at_most}). They are not changed: was an older copy of the database"
            " put back? If they were deleted, raise deleted_at_most"
        )
        return Batch((), (Fault("deleted sales", why, ", ".join(gone[:50])),), None)

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the sales placed in a range, by time of sale."""
        at = Positions.read(since)
        span = (max(start, at.time or start), end)
        ask = self._ask
        for page in pages(self._database, ask, ask.placed, span, self._settings.page):
            at = at.move(WHOLE, page.reached)
            batch = self._batch(page.sales, at.text())
            yield batch.placed_within(start, end)
            if self._context.stop.is_set():
                return

    def check(self) -> Sequence[Finding]:
        """Whether the database answers, may be read and not written, and has the indexes that a walk needs."""
        try:
            with self._database.look() as connection:
                schema = Schema(connection)
                ask = preset(self._settings.preset).prepare(schema, self._settings, self._context.name)
                findings = [
                    Finding("ok", f"{self._database.shown} answers; it is read by preset {self._settings.preset}")
                ]
                findings += [Finding("ok", note) for note in ask.notes]
                for table, column in sorted({ask.mark.indexed, ask.placed.indexed} - {("", "")}):
                    if not schema.table(table).is_indexed(connection, column):
                        what = f"the table {table} has no index on {column}: every poll reads the whole of it"
                        findings.append(Finding("warning", what, f"create index on {table} ({column})"))
        except (SourceError, UsageError) as error:
            return [Finding("error", error.what, error.cure)]
        return findings

    def close(self) -> None:
        """Let go of the connections."""
        self._database.close()

    def _batch(self, sales: Sequence[SaleRows], cursor: Cursor | None) -> Batch:
        return parse_each(sales, self._ask.read, cursor, _spoilt)


def _spoilt(sale: SaleRows, why: str) -> Fault:
    parts = {name: [tuple(row) for row in rows] for name, rows in sale.parts.items()}
    return Fault(f"sale {sale.id}", why, f"{tuple(sale.row)} {parts}"[:_RAW_KEPT], sale.id)
