"""A document of any POS as a canonical order, by the expressions of the config. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.canonical.money import places
from syncd.sources.csv.states import state_of, unknown_state
from syncd.sources.named_values import About, read_named
from syncd.sources.records import Document, Excluded, ParsedSale, ParseResult, Unreadable
from syncd.sources.rest.expressions import search
from syncd.sources.rest.settings import RestSettings, names_of
from syncd.sources.values import decimal, words
from syncd.sources.zones import zone

_LISTS = ("lines", "tenders")
_AMOUNTS = frozenset(
    (
        "total",
        "total_tax",
        "tip",
        "rounding",
        "list_price",
        "discount",
        "total_ex_tax",
        "total_inc_tax",
        "tax",
        "amount",
    )
) | {"tendered", "change"}


def read_document(document: Document, settings: RestSettings, source: str) -> ParseResult:
    """Return what a document says.

    Raises:
        Unreadable: an expression does not find what it must.
        pydantic.ValidationError: the same, of a field.

    """
    if settings.leave_out is not None and search(settings.leave_out, document):
        return Excluded("documents that leave_out names")
    said = _values(names_of(settings.sale, _LISTS), document)
    currency = words(said.get("currency")).upper() or settings.currency or ""
    said = _exact(said, settings, currency)
    status, hold = _status(words(said.get("status")), settings)
    parts = [
        [_exact(_values(mapping, one), settings, currency) for one in _listed(settings.sale.get(name), document, name)]
        for name, mapping in (("lines", settings.line), ("tenders", settings.tender))
    ]
    about = About(
        source,
        zone(settings.timezone) if settings.timezone else None,
        settings.currency or "",
        settings.location,
        settings.prices_include_tax,
        settings.tenders,
        (),
        settings.ambiguous_hour,
        settings.skipped_hour,
    )
    if not words(said.get("sale_id")):
        msg = "it has no sale_id"
        raise Unreadable(msg)
    return ParsedSale(read_named({**said, "status": status}, parts[0], parts[1], about), hold)


def id_of(document: Document, settings: RestSettings) -> str:
    """Return the id of a document, empty where it has none that can be read."""
    try:
        return words(search(settings.sale["sale_id"], document))
    except Unreadable:
        return ""


def _values(mapping: Mapping[str, str], document: object) -> dict[str, Any]:
    found = {}
    for name, expression in mapping.items():
        value = search(expression, document)
        if isinstance(value, dict | list):
            msg = f"{name}: {expression!r} finds {'a list' if isinstance(value, list) else 'an object'}, and not one value"
            raise Unreadable(msg)
        found[name] = value
    return found


def _listed(expression: str | None, document: Document, name: str) -> list[object]:
    found = search(expression, document) if expression else []
    if found is None and name == "lines":
        msg = f"sale.lines: {expression!r} finds nothing: a sale needs its lines"
        raise Unreadable(msg)
    if found is None:
        return []
    if not isinstance(found, list):
        msg = f"sale.{name}: {expression!r} finds no list"
        raise Unreadable(msg)
    return found


def _exact(said: dict[str, Any], settings: RestSettings, currency: str) -> dict[str, Any]:
    """Return the same with its amounts as numbers, in major units."""
    shift = -places(currency) if settings.minor_units else 0
    found = dict(said)
    for name in _AMOUNTS & said.keys():
        if said[name] not in (None, ""):
            try:
                found[name] = decimal(said[name]).scaleb(shift)
            except Unreadable as error:
                msg = f"{name}: {error}"
                raise Unreadable(msg) from None
    return found


def _status(word: str, settings: RestSettings) -> tuple[str, str]:
    """Return what a sale's status means, and why it is held where nobody knows."""
    state = state_of(word, settings.status_words)
    return (state, "") if state is not None else ("completed", unknown_state(word))
