"""Read the order that a sale has, as far as the next change needs it: status and fields always, lines where they may change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from syncd.bigcommerce.client import OrdersClient, RemoteOrder
from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.money import ZERO, parse_decimal
from syncd.ledger import Ledger
from syncd.mapping.create import map_create
from syncd.mapping.model import Mapped, Matches, Remote, RemoteFee, RemoteLine, RemoteRefund
from syncd.mapping.refund import RefundProblem, RefundsSent, Wanted, as_refund, more_than_was_paid, next_refund
from syncd.mapping.rules import LIVE, Occasion, Rules
from syncd.mapping.stamp import Ours, Stamp, delivery_there
from syncd.push.store_orders.differences import modified_at
from syncd.sale.decide import is_released
from syncd.sale.requests import shows_on_another
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind
from syncd.sale.steps import Observation, Ways

BACK = (4, 14)
"""Refunded, and refunded in part: the statuses that BigCommerce sets with a refund record."""


_CANCELLED = 5
_SKEW = timedelta(minutes=1)
_SOLD = (SaleStatus.COMPLETED, SaleStatus.PARTIALLY_REFUNDED)


class OrderObserver:
    """Reads the orders of one store."""

    def __init__(self, store: str, ledger: Ledger, orders: OrdersClient, rules: Rules) -> None:
        self._store, self._ledger, self._orders, self._rules = store, ledger, orders, rules

    def observe(
        self,
        sale: Sale,
        order: CanonicalOrder,
        matches: Matches,
        occasion: Occasion,
        currencies: tuple[str, ...] = (),
    ) -> Observation:
        """Return what this sale's next request is computed from; ``order`` is the sale after the hook.

        Raises:
            RemoteError: the store could not be asked.

        """
        if shows_on_another(order, self._rules):
            return self._return(sale, order, matches)
        assert sale.order_id is not None  # noqa: S101  a sale without an order has nothing to look at (needs_look)
        trail = self._ledger.attempts.trail(self._store, sale.order_id)
        if trail.busy:
            return Observation(order, matches, trail=trail)
        order = self._with_returns(sale, order)
        ours = Ours.of([Stamp.from_json(text) for text in self._ledger.attempts.stamps(sale)])
        payload = _wanted(order, matches, self._rules, occasion)
        found, voided = self._orders.get(sale.order_id), order.status is SaleStatus.VOIDED
        refunds = not voided and found is not None and self._may_have_records(sale, order, found)
        # what the order says is not known for certain, or stays different: all of it is looked at
        unsure = not voided and (sale.belief.confirmed_version is None or bool(sale.belief.differs))
        goods = refunds or unsure or is_released(sale) or (not voided and _goods_moved(payload, ours))
        address = unsure or (not voided and _address_moved(payload, ours))
        remote = self._read(found, goods=goods, refunds=refunds, address=address) if found is not None else None
        touched = ours is None and found is not None and self._was_touched(sale, found)
        archived = (
            remote is not None and remote.is_deleted and self._ledger.attempts.last_sent(sale) is AttemptKind.ARCHIVE
        )
        refund: Wanted | RefundProblem | None = None
        if refunds and remote is not None and payload:
            sent = self._refunds_sent(sale)
            refund = next_refund(order, remote, payload.payload, sent, released=is_released(sale))
        ways = self._ways(refund, remote)
        return Observation(
            order,
            matches,
            occasion,
            currencies,
            remote,
            ours,
            None,
            ZERO,
            refund,
            ways,
            trail,
            archived,
            touched=touched,
        )

    def _was_touched(self, sale: Sale, found: RemoteOrder) -> bool:
        """Whether somebody changed an order since the checkout that made it: no stamp says what its lines were then."""
        if sale.checkout is None or not sale.checkout.live:
            return False
        sent, changed = self._ledger.attempts.sent_at([sale.id]).get(sale.id), modified_at(found)
        return sent is not None and changed is not None and changed > sent + _SKEW

    def _refunds_sent(self, sale: Sale) -> RefundsSent:
        """Read which refunds of a sale were sent, by the markers that its attempts kept."""
        taken, in_doubt = set[str](), Counter[str]()
        for stamp, outcome in self._ledger.attempts.refunds_sent(sale):
            known_by = str(json.loads(stamp)["refund"])
            if outcome == "accepted":
                taken.add(known_by)
            elif outcome in ("unknown", "interrupted"):
                in_doubt[known_by] += 1
        return RefundsSent(frozenset(taken), in_doubt)

    def _ways(self, refund: Wanted | RefundProblem | None, remote: Remote | None) -> Ways | None:
        if not isinstance(refund, Wanted) or remote is None:
            return ()
        return None if more_than_was_paid(refund, remote) else self._orders.refund_quote(remote.order_id, refund.items)

    def _return(self, sale: Sale, order: CanonicalOrder, matches: Matches) -> Observation:
        original = self._ledger.sales.get(order.returns_of) if order.returns_of else None
        if original is None or original.order_id is None:
            return Observation(order, matches, original=original)
        trail = self._ledger.attempts.trail(self._store, original.order_id)
        if trail.busy:
            return Observation(order, matches, original=original, trail=trail)
        records = self._rules.refunds == "record"
        found = self._orders.get(original.order_id)
        remote = self._read(found, goods=False, refunds=records) if found is not None else None
        before = self._ledger.sales.returned_total(original.sale_key, but=order.sale_key)
        refund: Wanted | RefundProblem | None = None
        ways: Ways | None = ()
        if records and remote is not None and order.status is not SaleStatus.VOIDED:
            as_sale = order.model_copy(update={"refunds": (as_refund(order),)})
            refund = next_refund(as_sale, remote, {}, self._refunds_sent(sale), released=is_released(sale))
            ways = self._ways(refund, remote)
        return Observation(order, matches, LIVE, (), remote, None, original, before, refund, ways, trail)

    def _with_returns(self, sale: Sale, order: CanonicalOrder) -> CanonicalOrder:
        """Return the sale as its order must show it: returns of their own refund it, wholly or in part."""
        if order.status not in _SOLD or not (back := self._ledger.sales.returned_total(sale.sale_key, but="")):
            return order
        given = back + sum((refund.amount_inc_tax for refund in order.refunded), ZERO)
        status = SaleStatus.REFUNDED if given >= order.total_inc_tax else SaleStatus.PARTIALLY_REFUNDED
        return order.model_copy(update={"status": status})

    def _may_have_records(self, sale: Sale, order: CanonicalOrder, found: RemoteOrder) -> bool:
        """Whether refund records are to be made, or may exist: by this ledger, or by one that was lost."""
        if self._rules.refunds != "record":
            return False
        shows = found.status_id in (*BACK, _CANCELLED)  # a cancelled order's status hides them
        return bool(order.refunded) or shows or bool(self._ledger.attempts.refunds_sent(sale))

    def _read(self, found: RemoteOrder, *, goods: bool, refunds: bool, address: bool = False) -> Remote:
        order_id = found.id
        lines: tuple[RemoteLine, ...] = ()
        fees: tuple[RemoteFee, ...] = ()
        pickup: int | None = None
        if goods and not found.is_deleted:
            lines = lines_of(self._orders, order_id)
            fees = tuple(map(_fee, self._orders.sub_resource(order_id, "fees")))
            pickup = _pickup_id(self._orders.consignments(order_id)) if _is_pickup(found) else None
        addresses = self._orders.sub_resource(order_id, "shipping_addresses") if address and _is_shipped(found) else ()
        records = self._orders.refunds(order_id) if refunds else ()
        shown = None if records is None else tuple(map(_refund, records))
        return replace(
            remote_of(found, lines, fees, pickup), refunds=shown, shipping=addresses[0] if addresses else None
        )


def lines_of(orders: OrdersClient, order_id: int) -> tuple[RemoteLine, ...]:
    """Read the lines of an order; a removed one may stay as a row of quantity 0."""
    return tuple(line for line in map(_line, orders.sub_resource(order_id, "products")) if line.quantity)


def remote_of(
    found: RemoteOrder,
    lines: tuple[RemoteLine, ...] = (),
    fees: tuple[RemoteFee, ...] = (),
    pickup_id: int | None = None,
) -> Remote:
    """Convert an order of an answer for the mapper."""
    return Remote(
        found.id,
        found.status_id,
        found.is_deleted,
        found.total_inc_tax,
        found.total_tax,
        found.raw,
        lines,
        fees,
        pickup_id,
    )


def _wanted(order: CanonicalOrder, matches: Matches, rules: Rules, occasion: Occasion) -> Mapped | None:
    if order.status is SaleStatus.VOIDED:
        return None
    mapped = map_create(order, matches, rules, occasion)
    return mapped if isinstance(mapped, Mapped) else None


def _goods_moved(wanted: Mapped | None, ours: Ours | None) -> bool:
    """Whether lines, fees or amounts may differ from what we last made the order say."""
    if wanted is None or ours is None or len(ours.possible) > 1:
        return True
    return Stamp.from_json(wanted.said).goods != ours.accepted.goods


def _address_moved(wanted: Mapped | None, ours: Ours | None) -> bool:
    """Whether the shipping address may differ from what we last made the order say."""
    if wanted is None or ours is None or len(ours.possible) > 1:
        return True
    name = "shipping_address"
    return Stamp.from_json(wanted.said).fields[name] != ours.accepted.fields.get(name)


def _line(item: Mapping[str, Any]) -> RemoteLine:
    return RemoteLine(
        id=int(item["id"]),
        product_id=int(item.get("product_id") or 0),
        variant_id=int(item.get("variant_id") or 0),
        sku=str(item.get("sku") or ""),
        name=str(item.get("name") or ""),
        quantity=int(Decimal(str(item.get("quantity") or 0))),
        price_inc_tax=parse_decimal(str(item.get("price_inc_tax") or 0)),
        price_ex_tax=parse_decimal(str(item.get("price_ex_tax") or 0)),
    )


def _fee(item: Mapping[str, Any]) -> RemoteFee:
    return RemoteFee(
        id=int(item["id"]),
        name=str(item.get("display_name_customer") or item.get("display_name_merchant") or ""),
        cost_inc_tax=parse_decimal(str(item.get("cost_inc_tax") or 0)),
        cost_ex_tax=parse_decimal(str(item.get("cost_ex_tax") or 0)),
    )


def _is_shipped(found: RemoteOrder) -> bool:
    return delivery_there(found.raw) == "shipping address"


def _is_pickup(found: RemoteOrder) -> bool:
    return not found.raw.get("shipping_address_count") and not found.raw.get("order_is_digital")


def _pickup_id(consignments: Mapping[str, Any]) -> int | None:
    pickups = consignments.get("pickups") or ()
    return int(pickups[0]["id"]) if pickups and pickups[0].get("id") else None


def amount_of(record: Mapping[str, Any]) -> Decimal:
    """Return the amount of a refund record."""
    return parse_decimal(str(record.get("total_amount") or 0))


def _refund(record: Mapping[str, Any]) -> RemoteRefund:
    reasons = [record.get("reason"), *(item.get("reason") for item in record.get("items") or ())]
    return RemoteRefund(amount_of(record), " ".join(" ".join(str(reason or "") for reason in reasons).split()))
