"""What a database's drivers give for numbers and words, as ours."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TypeVar

from syncd.sources.documents import Unreadable

D = TypeVar("D", Decimal, None)
_MISSING = Decimal("NaN")


def decimal(value: object, default: Decimal | D = _MISSING) -> Decimal | D:
    """A number, exactly as it is written; of a floating-point one, the shortest text that means it. ``default`` where it is NULL.

    Raises:
        Unreadable: it is no number, or NULL without a default.

    """
    if value is None or value == "":
        if default is _MISSING:
            msg = "an amount is missing"
            raise Unreadable(msg)
        return default
    try:
        found = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        found = _MISSING
    if not found.is_finite() or isinstance(value, bool):
        msg = f"{str(value)[:40]!r} is no amount"
        raise Unreadable(msg)
    return found


def words(value: object) -> str:
    """Text, blanks stripped; empty where it is NULL."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return "" if value is None else str(value).strip()
