"""A due sale with the request that it needs. Values and pure functions."""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from syncd.bigcommerce.client import written
from syncd.canonical import CanonicalOrder
from syncd.mapping.model import Mapped, Remote
from syncd.sale.attempt import Intent
from syncd.sale.facts import OrderSnapshot
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind
from syncd.sale.steps import Change, CheckoutCall, Create, Observation, Step


def digest(content: bytes) -> str:
    """Return 16 hex digits that name a payload."""
    return blake2b(content, digest_size=8).hexdigest()


class Ready(Struct, frozen=True):
    """A due sale with the request that it needs; ``content`` is its payload as it goes out, written once.

    ``call`` is set where the request is one of a checkout; ``order`` is None where that only tidies up.
    """

    sale: Sale
    order: CanonicalOrder | None
    kind: AttemptKind
    mapped: Mapped
    content: bytes
    order_id: int | None = None
    more: bool = False
    is_draft: bool = False
    call: CheckoutCall | None = None
    snapshot: OrderSnapshot | None = None
    after: int = 0

    def intent(self, order_floor: int | None) -> Intent:
        """Return the intent to commit before the request leaves."""
        sale, payload = self.sale, self.mapped.payload
        key = str(payload.get("external_order_id") or "")
        return Intent(
            sale_id=sale.id,
            sale_key=sale.sale_key,
            kind=self.kind,
            fingerprint=sale.fingerprint,
            digest=digest(self.content),
            newest_order_before=order_floor,
            order_id=self.order_id,
            stamp=self.mapped.said,
            external_key=key if key and key != sale.sale_key else None,
            after=self.after,
            more=self.more,
        )

    @property
    def requested_totals(self) -> tuple[Decimal, Decimal] | None:
        """The total and the tax that the order must show afterwards: those of the payload, else those that stay."""
        payload = self.mapped.payload
        if self.call is not None and self.call.totals is not None:
            return self.call.totals
        if "total_inc_tax" not in payload and self.kind is AttemptKind.CREATE and self.order is not None:
            return self.order.total_inc_tax, self.order.total_tax  # a negative order, whose amounts may not be stated
        if "total_inc_tax" not in payload:
            total, tax = (self.snapshot.total_inc_tax, self.snapshot.total_tax) if self.snapshot else (None, None)
            return None if total is None or tax is None else (total, tax)
        inc_tax, ex_tax = (Decimal(str(payload[f"total_{part}"])) for part in ("inc_tax", "ex_tax"))
        return inc_tax, inc_tax - ex_tax


def ready_of(sale: Sale, order: CanonicalOrder | None, step: Step | None, seen: Observation | None) -> Ready | None:
    """Return the request of a step; None where it is none."""
    match step:
        case CheckoutCall() as call:
            mapped = Mapped(call.payload if isinstance(call.payload, dict) else {}, (), call.said, call.differs)
            content = written(call.payload) if call.payload is not None else b""
            return Ready(sale, order, call.kind, mapped, content, call.order_id, call=call)
        case Create(mapped=Mapped() as mapped, more=more, draft=draft_first) if order is not None:
            content = written(mapped.payload)
            ready = Ready(sale=sale, order=order, kind=AttemptKind.CREATE, mapped=mapped, content=content, more=more)
            return replace(ready, is_draft=draft_first)
        case Change(kind=kind, order_id=order_id, mapped=Mapped() as mapped, more=more) if order is not None:
            return Ready(
                sale=sale,
                order=order,
                kind=kind,
                mapped=mapped,
                content=written(mapped.payload),
                order_id=order_id,
                more=more,
                snapshot=snapshot_of(seen.remote) if seen is not None and seen.remote is not None else None,
                after=seen.trail.newest if seen is not None else 0,
            )
        case _:
            return None


def snapshot_of(remote: Remote) -> OrderSnapshot:
    """Return what an order that was read shows."""
    currency = str(remote.fields.get("default_currency_code") or "")
    return OrderSnapshot(remote.status_id, remote.total_inc_tax, remote.total_tax, currency or None)
