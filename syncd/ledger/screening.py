"""Find sales of a batch that are too early, or look like another sale. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.canonical import CanonicalOrder
from syncd.canonical.sale_key import sent_forms
from syncd.ledger.stores import known as known_to_store
from syncd.ledger.twins import find_twins
from syncd.sale.sale import IncomingVersion, Sale
from syncd.sale.twins import is_twin_hold, twin_words

if TYPE_CHECKING:
    from syncd.ledger.record import RecordOptions


def too_early(connection: Connection, options: RecordOptions, fresh: Sequence[IncomingVersion]) -> dict[str, None]:
    """Return the keys of sales from before ``not_before``, except those that have an order."""
    early = [one.order for one in fresh if options.not_before is not None and one.order.placed_at < options.not_before]
    keys = {order.sale_key: None for order in early}
    for key in _with_an_order(connection, options, early):
        del keys[key]
    return keys


def held_twins(
    connection: Connection, options: RecordOptions, said: Mapping[str, IncomingVersion], known: Mapping[str, Sale]
) -> dict[str, IncomingVersion]:
    """Hold sales that look like another sale of the source: new ones, and those that were held for it before."""
    if not options.holds_twins:
        return {}
    asked = [
        one
        for key, one in said.items()
        if not one.hold
        and (key not in known or (known[key].order_id is None and is_twin_hold(known[key].source_hold)))
        and options.router(one.order) in options.holds_twins
    ]
    found = find_twins(connection, options.source, [one.order for one in asked])
    for key in _with_an_order(connection, options, [said[key].order for key in found]):
        del found[key]
    return {key: replace(said[key], hold=twin_words(twin)) for key, twin in found.items()}


def _with_an_order(connection: Connection, options: RecordOptions, orders: Iterable[CanonicalOrder]) -> set[str]:
    """Return the keys of sales of which their store has an order."""
    by_store: dict[str, list[str]] = {}
    for order in orders:
        by_store.setdefault(options.router(order), []).append(order.sale_key)
    found = set()
    for store, keys in by_store.items():
        sent = {form: key for key in keys for longest in options.longest_keys for form in sent_forms(key, longest)}
        found |= {sent[form] for form in known_to_store(connection, store, list(sent))}
    return found
