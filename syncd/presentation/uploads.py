"""What would become of an export: how many sales, their sums, what each would be, and what cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from syncd.app import App
from syncd.canonical import Fault
from syncd.errors import NotListed
from syncd.presentation.preview import Preview, PreviewSubject, previews_of
from syncd.sale.states import State
from syncd.source_runner import SourceRunner

_MOST = 1_000
_CHANGES = "its order changes"
_BECOMES = {
    State.PENDING: "a new order",
    State.SYNCED: "nothing changes",
    State.HELD: "held for a decision",
    State.SKIPPED: "skipped",
    State.REJECTED: "rejected",
}


class ExportPreview(Struct, frozen=True):
    """An export before it is sent. ``becomes`` counts the sales that were looked at, by what each would become.

    ``sales`` counts all of them, ``early`` those from before the source's start, which are left out; ``sums`` are by currency.
    """

    sales: int
    sums: Mapping[str, Decimal]
    becomes: Mapping[str, int]
    previews: Sequence[Preview]
    faults: Sequence[Fault]
    left_out: Mapping[str, int]
    early: int
    notes: Sequence[str]

    @property
    def looked_at(self) -> int:
        """How many sales were looked at one by one."""
        return len(self.previews)


def becomes(preview: Preview) -> str:
    """Return what a sale would become, in a few words."""
    if preview.kind and preview.kind not in ("create", "checkout"):
        return _CHANGES
    return _BECOMES.get(preview.state, preview.state.value)


def preview_export(app: App, till: SourceRunner, path: Path) -> ExportPreview:
    """Read an export and preview its sales, at most 1,000 of them one by one; nothing is recorded or sent.

    Raises:
        SourceError: the file cannot be read.

    """
    found, notes = PreviewSubject(), list[str]()
    found.read(till, path)
    try:
        start = till.start_from()
    except NotListed:
        start = None
    carried = [order for order in found.orders if start is None or order.placed_at >= start]
    sums: dict[str, Decimal] = {}
    for order in carried:
        sums[order.currency] = sums.get(order.currency, Decimal(0)) + order.total_inc_tax
    looked = replace(found, orders=carried[:_MOST])
    route = till.config.common
    previews = [
        one
        for store in route.all_stores
        for one in previews_of(app, store, looked.of(route.store_of, store), notes.append)
    ]
    return ExportPreview(
        sales=len(carried),
        sums=sums,
        becomes=Counter(becomes(one) for one in previews),
        previews=previews,
        faults=found.faults,
        left_out=found.left_out,
        early=len(found.orders) - len(carried),
        notes=list(dict.fromkeys(notes)),
    )
