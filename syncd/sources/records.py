"""From the documents of a cloud POS to a batch: each one a sale, left out with its reason, not ready yet, or a fault."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import Struct
from pydantic import ValidationError

from syncd.canonical import Batch, CanonicalOrder, Cursor, Fault
from syncd.sources.jsonl import in_words

Document = Mapping[str, Any]
T = TypeVar("T")
R = TypeVar("R")
_RAW_KEPT = 2000
_NAMED = 40


class Unreadable(ValueError):
    """A document that is not what the POS's reference says."""


class ParsedSale(Struct, frozen=True):
    """A sale, and why a person must look at it, if so."""

    order: CanonicalOrder
    hold: str = ""


class Excluded(Struct, frozen=True):
    """The document is no sale of the till's: why, in words that a count goes before (``3 drafts``)."""

    why: str


class NotReady(Struct, frozen=True):
    """The POS has the sale, and does not show the whole of it yet: it comes again."""


ParseResult = ParsedSale | Excluded | NotReady
_OF_ANOTHER_FORM = (AttributeError, TypeError, ArithmeticError)


def parse_documents(
    documents: Iterable[Document], read: Callable[[Document], ParseResult], cursor: Cursor | None, id_key: str = "id"
) -> Batch:
    """Parse documents into a batch; one that cannot be read is a fault beside the others, and takes none of them with it."""
    return parse_each(documents, read, cursor, lambda document, why: fault(document, why, id_key))


def parse_each(
    records: Iterable[T], read: Callable[[T], ParseResult], cursor: Cursor | None, spoilt: Callable[[T, str], Fault]
) -> Batch:
    """Parse records of any kind into a batch; ``spoilt`` makes a fault of one that cannot be read."""
    found = Gathering()
    for record in records:
        found.add(tried(record, read, spoilt))
    return found.batch(cursor)


def tried(record: T, read: Callable[[T], R], spoilt: Callable[[T, str], Fault]) -> R | Fault:
    """Read a record; return a fault where it cannot be read."""
    try:
        return read(record)
    except Unreadable as error:
        return spoilt(record, str(error))
    except ValidationError as error:
        return spoilt(record, in_words(error))
    except _OF_ANOTHER_FORM:
        return spoilt(
            record, "one of its fields has another form than its POS documents: report it, with the record beside this"
        )
    except Exception as error:  # noqa: BLE001  whatever nobody foresaw is a fault of this record, and the next goes on
        return spoilt(record, f"syncd cannot read it ({type(error).__name__}: {str(error)[:200]})")


class Gathering:
    """A batch in the making."""

    def __init__(self) -> None:
        self.orders: list[CanonicalOrder] = []
        self.faults: list[Fault] = []
        self._left_out: Counter[str] = Counter()
        self._holds: dict[str, str] = {}

    def __len__(self) -> int:
        """How many sales and faults it has."""
        return len(self.orders) + len(self.faults)

    def add(self, found: ParseResult | Fault) -> None:
        """One more record."""
        if isinstance(found, ParsedSale):
            self.orders.append(found.order)
            if found.hold:
                self._holds[found.order.sale_id] = found.hold
        elif isinstance(found, Excluded):
            self._left_out[found.why] += 1
        elif isinstance(found, Fault):
            self.faults.append(found)

    def batch(self, cursor: Cursor | None) -> Batch:
        """Return the batch."""
        return Batch(tuple(self.orders), tuple(self.faults), cursor, self._left_out, self._holds)


def fault(document: Document, why: str, id_key: str = "id") -> Fault:
    """Return a document that cannot be read, its beginning kept."""
    number = str(document.get(id_key) or "")
    raw = json.dumps(document, default=str)[:_RAW_KEPT]
    return Fault(f"sale {number or 'without an id'}", why, raw, number)


def listed(holder: Document, name: str) -> list[Document]:
    """Return a list of documents in a document; empty where it is absent.

    Raises:
        Unreadable: it is no list of documents.

    """
    found = holder.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        msg = f"{name} is no list"
        raise Unreadable(msg)
    return found


def inside(holder: Document, name: str) -> Document:
    """Return a document in a document; an empty one where it is absent.

    Raises:
        Unreadable: it is something else.

    """
    found = holder.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        msg = f"{name} is no object"
        raise Unreadable(msg)
    return found


def number(holder: Document, name: str, default: Decimal | None = None) -> Decimal:
    """Return a number, written as one or as text; ``default`` where it is absent.

    Raises:
        Unreadable: it is no number, or absent without a default.

    """
    found = holder.get(name)
    if found is None or found == "":
        if default is None:
            msg = f"{name} is missing"
            raise Unreadable(msg)
        return default
    try:
        value = (
            Decimal(str(found))
            if isinstance(found, str | int | Decimal) and not isinstance(found, bool)
            else Decimal("NaN")
        )
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite():
        msg = f"{name} is no number: {str(found)[:_NAMED]!r}"
        raise Unreadable(msg)
    return value


def moment(text: object) -> datetime | None:
    """Return an RFC 3339 time, with or without fractions; None where there is none, or none with an offset. Aware, in UTC."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None


def time_of(holder: Document, *names: str) -> datetime:
    """Return the first of some times of a document that is there. Aware, in UTC.

    Raises:
        Unreadable: none is there, or the one that is there is no time with its zone.

    """
    for name in names:
        if (at := moment(holder.get(name))) is not None:
            return at
    wrong = next((name for name in names if holder.get(name) not in (None, "")), "")
    msg = f"its {wrong} is no time with its zone: {str(holder[wrong])[:_NAMED]!r}" if wrong else f"it has no {names[0]}"
    raise Unreadable(msg)


def needed(at: datetime | None, what: str) -> datetime:
    """Return a time that must be there.

    Raises:
        Unreadable: it is not.

    """
    if at is None:
        msg = f"it has no {what}"
        raise Unreadable(msg)
    return at
