"""One request for a sale: the intent before its commit, and the attempt after it. Values only."""

from __future__ import annotations

from msgspec import Struct

from syncd.clock import BootTime
from syncd.sale.states import AttemptKind


class Intent(Struct, frozen=True):
    """A request that is about to be committed, for the sale as it was read; ``order_id`` where it changes another sale's order.

    ``more``: it does not say all of the version, and more requests are to follow.
    ``after`` is the newest attempt that had changed the order when it was looked at (see ``trail``).
    """

    sale_id: int
    sale_key: str
    kind: AttemptKind
    fingerprint: str
    digest: str
    newest_order_before: int | None = None
    order_id: int | None = None
    stamp: str | None = None
    external_key: str | None = None
    after: int = 0
    more: bool = False


class Attempt(Struct, frozen=True):
    """A committed intent; ``order_id`` is the order that it changes, None for a create."""

    id: int
    sale_id: int
    sale_key: str
    kind: AttemptKind
    fingerprint: str
    digest: str
    began: BootTime
    order_id: int | None
    more: bool = False
