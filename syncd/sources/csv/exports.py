"""From export files to sales: rows gathered by sale over the files that belong together, each sale read by its preset."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct
from pydantic import ValidationError

from syncd.canonical import Batch, CanonicalOrder, Cursor, Fault
from syncd.canonical.cash_rounding import with_cents_as_rounding
from syncd.canonical.money import places
from syncd.sources.csv.fields import BadCell, ExcludedRow, Reading
from syncd.sources.csv.group import Groups, Placed
from syncd.sources.csv.opening import opened
from syncd.sources.csv.overlap import FilesDisagree, one_file_each
from syncd.sources.csv.part import ExportPart, Wanted
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import BadRow, CsvRow, CutFile, UnreadableFile
from syncd.sources.folder import Folder, Look, made_at, shown
from syncd.sources.jsonl import in_words

_BATCH = 500
_MANY = 1000
Kinds = dict[str, set[int]]  # the tables that each sale was found in
_PARTNER_WITHIN = timedelta(days=45)  # an export of last month may complete a sale; an older one is history


@dataclass(slots=True)
class ExportWalk:
    """One walk over some files: how each looked when it was opened, and what was found out about it on the way."""

    files: list[Path]
    looks: dict[Path, Look] = field(default_factory=dict)
    faults: defaultdict[Path, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    unreadable: dict[Path, Fault] = field(default_factory=dict)
    waiting: dict[Path, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)  # rows that are no sale's


class Sales(NamedTuple):
    """What the rows of one sale are: the sale, and the refunds that stand under its number; why some are held, by id."""

    orders: list[CanonicalOrder]
    holds: dict[str, str]


class Exports(Struct, frozen=True):
    """The exports of one source: its preset, how its cells are read, and the folder where they lie."""

    preset: CsvPreset
    reading: Reading[Any]
    folder: Folder

    def read(self, walk: ExportWalk, *, patient: bool = False, beside: Sequence[Path] = ()) -> Iterator[Batch]:
        """Yield the sales and faults of the walk's files, in batches.

        ``patient``: a file that may still be growing is left to wait.

        Where only one of two exports of a sale is among them, the other is looked for: among the files ``beside`` them, or,
        where ``patient``, among those processed lately.
        """
        lost: list[Fault] = []
        with closing(Groups()) as groups:
            kinds: Kinds = {}

            def note(key: str, kind: int) -> bool:
                if self.preset.together:
                    kinds.setdefault(key, set()).add(kind)
                return True

            for file in walk.files:
                lost += self._open(file, walk, groups, note, patient=patient)
            if patient or beside:
                self._add_partners(groups, kinds, beside)
            yield from self._batches(groups, walk, lost)

    def _open(self, file: Path, walk: ExportWalk, groups: Groups, wanted: Wanted, *, patient: bool) -> list[Fault]:
        """Gather one file's rows; the faults that belong to no sale. What cannot be read whole leaves no row behind."""
        look = Look.at(file)
        if look is None:
            return []  # gone since it was listed
        walk.looks[file] = look
        try:
            cut, faults = self._add(file, groups, wanted, walk.left_out)
        except (UnreadableFile, OSError, UnicodeError) as error:
            groups.drop(file)
            if isinstance(error, CutFile) and patient and self.folder.may_be_cut(file, look):
                walk.waiting[file] = str(error)
                return []
            walk.unreadable[file] = Fault(shown(file), f"the file cannot be read: {error}", "")
            return [walk.unreadable[file]]
        except Exception as error:  # noqa: BLE001  whatever nobody foresaw is this file's: it is set aside, and the next goes on
            groups.drop(file)
            walk.unreadable[file] = Fault(
                shown(file), f"syncd cannot read the file ({type(error).__name__}: {error})", ""
            )
            return [walk.unreadable[file]]
        if cut and patient and self.folder.may_be_cut(file, look):
            groups.drop(file)
            walk.waiting[file] = cut
            return []
        walk.faults[file] += faults
        return faults

    def _add(self, file: Path, groups: Groups, wanted: Wanted, left_out: Counter[str]) -> tuple[str, list[Fault]]:
        """Put a file's rows into their groups: why it looks cut off, if it does, and the faults of rows without a sale."""
        faults: list[Fault] = []
        cut = ""
        for place, table in enumerate(opened(file, self.preset, self.reading.settings)):
            part = ExportPart(
                self.preset, self.reading, table, groups.file(file, table.columns, file.stat().st_mtime_ns)
            )
            part.gather(groups, wanted)
            if part.strays:
                self._settle(part, groups, wanted, (file, place))
            cut = part.cut or cut
            faults += [self._keyless(file, row) for row in part.keyless]
            left_out.update(part.left_out)
            part.spoil(groups)
            if words := part.verdict():
                raise UnreadableFile(words)
        return cut, faults

    def _settle(self, part: ExportPart, groups: Groups, wanted: Wanted, where: tuple[Path, int]) -> None:
        """Let a part look at its table once more, for what may be totals."""
        file, place = where
        with closing(opened(file, self.preset, self.reading.settings)) as tables:
            for number, table in enumerate(tables):
                if number == place:
                    part.settle(groups, wanted, table)
                    return
                deque(table.rows, maxlen=0)  # the next begins where this one ends

    def _keyless(self, file: Path, row: CsvRow | BadRow) -> Fault:
        reason = (
            row.reason if isinstance(row, BadRow) else f"the row has no {self.preset.key_words}: it identifies no sale"
        )
        return Fault(f"{shown(file)}:{row.line}", reason, row.raw)

    def _add_partners(self, groups: Groups, kinds: Kinds, beside: Sequence[Path]) -> None:
        """Sales of which only one export is here: look for the other."""
        lonely = {key for key, found in kinds.items() if len(found) == 1}

        def missing(key: str, kind: int) -> bool:
            return key in lonely and kind not in kinds[key]

        for file in (beside or self.folder.processed_within(_PARTNER_WITHIN)) if lonely else ():
            try:
                self._add(file, groups, missing, Counter())
            except (UnreadableFile, OSError, UnicodeError):
                groups.drop(file)  # it was reported when it was read

    def _batches(self, groups: Groups, walk: ExportWalk, lost: list[Fault]) -> Iterator[Batch]:
        orders: list[CanonicalOrder] = []
        left_out = Counter(walk.left_out)
        holds: dict[str, str] = {}
        fresh, stated_at = set(walk.files), made_at(*walk.files)
        for placed in groups:
            if not any(one.file in fresh for one in placed):
                continue
            read = self._sale(placed)
            if isinstance(read, Sales):
                orders += read.orders
                holds |= read.holds
            elif isinstance(read, ExcludedRow):
                left_out[read.why] += 1
            else:
                lost += read
                for where, fault in zip(placed, read, strict=True):
                    walk.faults[where.file].append(fault)
            if len(orders) + len(lost) >= _BATCH:
                yield Batch(tuple(orders), tuple(lost), _cursor(walk), dict(left_out), holds, stated_at=stated_at)
                orders, lost, left_out, holds = [], [], Counter(), {}
        yield Batch(tuple(orders), tuple(lost), _cursor(walk), dict(left_out), holds, stated_at=stated_at)

    def _sale(self, placed: Sequence[Placed]) -> Sales | ExcludedRow | list[Fault]:
        """Return a sale's rows as an order, and those of its refunds; where one of them cannot be read, each as a fault."""
        if spoilt := next((one for one in placed if one.spoilt), None):
            return self._faulty(placed, lambda one: _spoilt(spoilt, one))
        try:
            chosen = one_file_each(placed, self.preset.weighs) if self.preset.together else placed
            fields = self.preset.parse([one.row for one in chosen], self.reading)
            if isinstance(fields, ExcludedRow):
                return fields
            remarks = self.reading.take_remarks()
            return self._orders([_said(one, remarks) for one in ([fields] if isinstance(fields, dict) else fields)])
        except FilesDisagree as error:
            words = str(error)
            return self._faulty(placed, lambda _: words)
        except BadCell as error:
            bad = error
            return self._faulty(placed, lambda one: _reason(bad, one.row))
        except ValidationError as error:
            words = in_words(error)
            return self._faulty(placed, lambda _: words)
        finally:
            self.reading.take_remarks()

    def _orders(self, said: Sequence[dict[str, object]]) -> Sales:
        found = Sales([], {})
        for fields in said:
            hold = str(fields.pop("hold", ""))
            order = CanonicalOrder.model_validate({"source": self.reading.source, **fields})
            order = with_cents_as_rounding(order) if self.preset.headings else order
            found.orders.append(order)
            hold = hold or _next_to_nothing(order)
            found.holds.update({order.sale_id: hold} if hold else {})
        return found

    def _faulty(self, placed: Sequence[Placed], why: Callable[[Placed], str]) -> list[Fault]:
        sale = self.preset.sale_of([one.row for one in placed])
        return [Fault(one.where, why(one), one.row.raw, sale) for one in placed]

    def recognise(self, file: Path) -> None:
        """Read a file as ``read`` would, and keep nothing.

        Raises:
            UnreadableFile, OSError, UnicodeError: it is none of this source's exports.

        """
        with closing(Groups()) as groups:
            self._add(file, groups, lambda _key, _kind: False, Counter())


def _said(fields: dict[str, object], remarks: Sequence[str]) -> dict[str, object]:
    """Return the fields that the export says; None stands for the default, and what had to be assumed is added to the note."""
    said = {name: value for name, value in fields.items() if value is not None}
    if remarks:
        said["note"] = "; ".join(filter(None, (str(said.get("note", "")), *remarks)))
    return said


def _next_to_nothing(order: CanonicalOrder) -> str:
    """Why a quantity is looked at: so many for so little, for a mark between thousands may be a decimal mark."""
    least = Decimal(1).scaleb(-places(order.currency))
    for line in order.lines:
        many = abs(line.quantity)
        if many >= _MANY and line.total_inc_tax and abs(line.total_inc_tax) < many * least:
            amount = f"{line.total_inc_tax} {order.currency}"
            return f"{many} of {line.name} for {amount}: is its decimal mark right? See decimal_mark of this source"
    return ""


def _spoilt(bad: Placed, one: Placed) -> str:
    return bad.spoilt if one is bad else f"another row of the same sale, at {bad.where}: {bad.spoilt}"


def _reason(error: BadCell, row: CsvRow) -> str:
    return str(error) if error.line == row.line else f"another row of the same sale, on line {error.line}: {error}"


def _cursor(walk: ExportWalk) -> Cursor:
    return json.dumps({"files": [shown(file) for file in walk.files[:20]]})
