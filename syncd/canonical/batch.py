"""What a source yields: sales, a place to go on from, and what it could not read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from syncd.canonical.cards import mask_cards
from syncd.canonical.exchanges import parts_of
from syncd.canonical.order import CanonicalOrder

Cursor = str
"""An opaque JSON text that only the source that wrote it reads."""


class Fault(Struct, frozen=True):
    """A record that could not be read: where it stood, why, its raw text, and the id of the sale it is of, if it shows one."""

    where: str
    reason: str
    raw: str
    sale: str = ""

    def __post_init__(self) -> None:
        """Nothing of a fault may carry a card number, or what no database can store: it is kept, shown, and written to a file."""
        for name in ("where", "reason", "raw", "sale"):
            text = getattr(self, name).encode("utf-8", "replace").decode("utf-8")
            force_setattr(self, name, mask_cards(text) if name in {"reason", "raw"} else text.replace("\x00", ""))


class Batch(Struct, frozen=True):
    """Some sales and faults, and the cursor that holds once they are recorded; None leaves the walk where it was.

    ``left_out`` counts the sales that the config leaves out, by reason. ``review_reasons`` says, by ``sale_id``, why a person must
    look at a sale before it is pushed: its source cannot be sure of it. ``deleted_ids`` are the ids of sales that the POS has
    deleted: those that are known become voids. ``stated_at`` is when all of this was stated, by the file's own time; None where
    the POS was asked just now.
    """

    orders: tuple[CanonicalOrder, ...]
    faults: tuple[Fault, ...]
    cursor: Cursor | None
    left_out: Mapping[str, int] = field(default_factory=dict)
    review_reasons: Mapping[str, str] = field(default_factory=dict)
    deleted_ids: tuple[str, ...] = ()
    stated_at: datetime | None = None

    def placed_within(self, start: datetime, end: datetime) -> Batch:
        """Return the batch with only the sales that were placed in ``[start, end)``; its deletions stay."""
        within = tuple(order for order in self.orders if start <= order.placed_at < end)
        return replace(self, orders=within)

    def __post_init__(self) -> None:
        """Take exchanges apart into sales and returns, so that nothing behind the sources ever meets one whole."""
        parts = [parts_of(order) for order in self.orders]
        if all(len(some) == 1 and some[0] is order for some, order in zip(parts, self.orders, strict=True)):
            return
        force_setattr(self, "orders", tuple(order for some in parts for order in some))
        held = [
            (some, self.review_reasons[some[0].sale_id]) for some in parts if some[0].sale_id in self.review_reasons
        ]
        force_setattr(
            self, "review_reasons", {**self.review_reasons, **{one.sale_id: why for some, why in held for one in some}}
        )
