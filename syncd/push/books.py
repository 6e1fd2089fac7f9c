"""Reconciles the books: what the POS sold beside what BigCommerce shows for the same sales, and why they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.bigcommerce import OrdersClient, RemoteOrder
from syncd.bigcommerce.classify import amount
from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.money import ZERO, format_money
from syncd.ledger import Ledger, Sale, State
from syncd.mapping import Rules
from syncd.mapping.rules import applied
from syncd.mapping.tenders import payment_method
from syncd.push.differences import NO_SALE
from syncd.push.differences import differences as of_order

_ZONES = timedelta(hours=15)  # a local day starts and ends at most this far from the UTC day of the same date
_REFUNDS = {4, 14}
_ON_THE_WAY = {State.PENDING, State.SENDING, State.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Days:
    """A range of days, both included, as the tills count them; of one source, by the name in its sale keys, or of all."""

    first: date
    last: date
    keys: str | None = None

    def of(self, key: str) -> bool:
        """Whether the sale of a key belongs here, as far as its source goes."""
        return self.keys is None or key.startswith(f"{self.keys}:")

    @property
    def widest(self) -> tuple[datetime, datetime]:
        """The instants between which these days lie in any time zone."""
        low = datetime.combine(self.first, time(), UTC) - _ZONES
        return low, datetime.combine(self.last, time(), UTC) + timedelta(days=1) + _ZONES


@dataclass(frozen=True, slots=True)
class Entry:
    """One sale in the books; ``day``, ``location`` and ``tender`` are the till's."""

    sale: Sale
    order: CanonicalOrder | None
    day: date
    location: str
    tender: str
    stamp: str | None = None

    @property
    def voided(self) -> bool:
        """Whether the POS took the sale back."""
        return self.order is not None and self.order.status is SaleStatus.VOIDED


@dataclass(slots=True)
class Group:
    """One day, location and way of paying: how much each side has."""

    sales: int = 0
    orders: int = 0
    pos_total: Decimal = ZERO
    order_total: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Difference:
    """One sale on which the sides do not agree: what each says, why, and what to do."""

    sale: str
    order_id: int | None
    pos: str
    bigcommerce: str
    cause: str
    cure: str


@dataclass(slots=True)
class Books:
    """The whole comparison; ``left_out`` counts sales that a rule or a person skipped, which are on neither side."""

    groups: dict[tuple[date, str, str, str], Group] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    left_out: int = 0
    returns: int = 0


def audit(store: str, ledger: Ledger, orders: OrdersClient, rules: Rules, days: Days) -> Books:
    """Compare a store's sales of some days with its orders.

    Raises:
        RemoteError: the store could not be read.

    """
    start, end = days.widest
    there: dict[str, list[RemoteOrder]] = {}
    for archived in (False, True):
        for order in orders.list_between(1, start, end, archived=archived):
            if order.external_order_id:
                there.setdefault(order.external_order_id, []).append(order)
    books, seen, entered = Books(), set[str](), list[tuple[Entry, list[RemoteOrder]]]()
    for sale in ledger.placed(store, start, end):
        seen.add(sale.sale_key)
        entry = _entry(sale, rules, ledger)
        if days.of(sale.sale_key) and days.first <= entry.day <= days.last:
            entered.append((entry, _orders_of(sale, there, orders)))
    refunds = Refunds(ledger, orders.refunds_of(_may_have_records(entered, rules)))
    for entry, found in entered:
        _enter(books, entry, found, rules, refunds)
    _strangers(books, ledger, {key: found for key, found in there.items() if key not in seen}, days)
    return books


def _entry(sale: Sale, rules: Rules, ledger: Ledger) -> Entry:
    order = sale.order() if sale.document else None
    day = (order.business_day or order.placed_at.date()) if order else sale.placed_at.date()
    tender = (payment_method(order, rules) if order else "") or "not told"
    stamp = ledger.stamps_of([sale.id]).get(sale.id) if sale.order_id is not None else None
    return Entry(sale, order, day, sale.location or "not told", tender, stamp)


def _orders_of(sale: Sale, there: Mapping[str, list[RemoteOrder]], orders: OrdersClient) -> list[RemoteOrder]:
    """The sale's orders: from the list, else the linked one itself, whose date may have been changed."""
    found = list(there.get(sale.sale_key, ()))
    if sale.order_id is not None and sale.returns_of is None and all(one.id != sale.order_id for one in found):
        linked = orders.get(sale.order_id)
        found += [linked] if linked is not None else []
    return found


@dataclass(frozen=True, slots=True)
class Refunds:
    """What both sides say was given back: the ledger for returns of their own, BigCommerce's records by order."""

    ledger: Ledger
    records: Mapping[int, list[Mapping[str, Any]]]

    def given(self, entry: Entry) -> Decimal:
        """What the POS gave back for a sale, by refunds of it and by returns that are sales of their own."""
        own = entry.order.refunded if entry.order is not None else ()
        back = self.ledger.returned_total(entry.sale.sale_key, but="")
        return sum((refund.amount_inc_tax for refund in own), ZERO) + back

    def recorded(self, order_id: int) -> Decimal:
        """What the refund records of an order come to, those aside of which every payment was declined."""
        taken = (one for one in self.records.get(order_id, ()) if not _is_declined(one))
        return sum((amount(one.get("total_amount")) or ZERO for one in taken), ZERO)


def _is_declined(record: Mapping[str, Any]) -> bool:
    payments = record.get("payments") or ()
    return bool(payments) and all(payment.get("is_declined") for payment in payments)


def _may_have_records(entered: Iterable[tuple[Entry, list[RemoteOrder]]], rules: Rules) -> set[int]:
    """The orders of which refund records are to be read: refunded there, or in the POS where those are recorded."""
    return {
        order.id
        for entry, found in entered
        for order in found
        if order.status_id in _REFUNDS
        or (rules.refunds == "record" and entry.order is not None and entry.order.refunded)
    }


def _enter(books: Books, entry: Entry, found: list[RemoteOrder], rules: Rules, refunds: Refunds) -> None:
    sale = entry.sale
    if sale.total_inc_tax < 0:
        books.returns += 1
        books.differences += _return(entry)
        return
    if sale.state is State.SKIPPED:
        books.left_out += 1
        return
    live = [order for order in found if not order.is_deleted]
    counted = [order for order in live if order.status_id not in NO_SALE]
    if not entry.voided or counted:
        group = books.groups.setdefault((entry.day, entry.location, entry.tender, sale.currency), Group())
        group.sales += not entry.voided
        group.pos_total += ZERO if entry.voided else sale.total_inc_tax
        group.orders += len(counted)
        group.order_total += sum((order.total_inc_tax or ZERO for order in counted), ZERO)
    books.differences += _voided(entry, counted) if entry.voided else _sold(entry, found, live, rules, refunds)


def _return(entry: Entry) -> Iterator[Difference]:
    if entry.sale.state not in (State.SYNCED, State.SKIPPED) and not entry.voided:
        yield _difference(
            entry, None, "no order shows it", f"a return that is {entry.sale.state.value}: {entry.sale.why}"
        )


def _voided(entry: Entry, counted: list[RemoteOrder]) -> Iterator[Difference]:
    for order in counted:
        waits = entry.sale.state in _ON_THE_WAY
        cause = (
            "voided in the POS; the cancellation is on its way" if waits else "voided in the POS, and its order stands"
        )
        yield _difference(entry, order, _total(order, entry.sale.currency), cause, pos="voided")


def _sold(
    entry: Entry, found: list[RemoteOrder], live: list[RemoteOrder], rules: Rules, refunds: Refunds
) -> Iterator[Difference]:
    sale = entry.sale
    if not found:
        yield _missing(entry)
        return
    if not live:
        yield _difference(entry, found[0], "archived", "its order was archived in BigCommerce")
        return
    for extra in live[1:]:
        yield _difference(entry, extra, _total(extra, sale.currency), f"a second order beside order {live[0].id}")
    yield from _compared(entry, live[0], rules, refunds)


def _missing(entry: Entry) -> Difference:
    sale = entry.sale
    if sale.order_id is not None:
        return _difference(entry, None, "no order", f"order {sale.order_id} is gone from BigCommerce")
    why = f": {sale.why}" if sale.why else ""
    return _difference(entry, None, "no order", f"it is {sale.state.value}{why}")


def _compared(entry: Entry, order: RemoteOrder, rules: Rules, refunds: Refunds) -> Iterator[Difference]:
    sale = entry.sale
    behind = "; a change from the POS is on its way" if sale.state in _ON_THE_WAY else ""
    held = f"; the change was {sale.state.value}: {sale.why}" if sale.state in (State.HELD, State.REJECTED) else ""
    late = behind or held
    currency = str(order.raw.get("currency_code") or sale.currency)
    if order.status_id in NO_SALE:
        yield _difference(
            entry, order, NO_SALE[order.status_id], f"its order is {NO_SALE[order.status_id]} in BigCommerce{late}"
        )
    elif currency != sale.currency:
        yield _difference(entry, order, _total(order, currency), "the order is in another currency")
    elif order.total_inc_tax != sale.total_inc_tax:
        yield _difference(entry, order, _total(order, currency), f"the totals differ{late}")
    elif order.total_tax is not None and order.total_tax != sale.total_tax:
        shown = f"tax {format_money(order.total_tax, currency)}"
        yield _difference(
            entry, order, shown, f"the taxes differ{late}", pos=f"tax {format_money(sale.total_tax, currency)}"
        )
    elif refund := _refund(entry, order, rules, refunds):
        yield _difference(entry, order, *refund)
    elif held:
        yield _difference(entry, order, _total(order, currency), f"changed in the POS{held}")
    elif words := [*sale.belief.differs, *map(str, of_order(sale, entry.stamp, order, came_back=True))]:
        yield _difference(entry, order, _total(order, currency), "; ".join(words))


def _refund(entry: Entry, order: RemoteOrder, rules: Rules, refunds: Refunds) -> tuple[str, str] | None:
    """Money that one side gave back and the other did not; where refunds are statuses, records are a person's alone."""
    sold = entry.order
    if sold is None:
        return None
    recorded = refunds.recorded(order.id)
    if (rules.refunds == "record" or recorded) and (given := refunds.given(entry)) != recorded:
        currency = entry.sale.currency
        return f"refunded {format_money(recorded, currency)}", f"the POS refunded {format_money(given, currency)}"
    refunded = sold.status in (SaleStatus.REFUNDED, SaleStatus.PARTIALLY_REFUNDED)
    if refunded and order.status_id not in _REFUNDS | {applied(sold, rules).status_id(sold.status)}:
        return f"status {order.status_id}", "refunded in the POS, and the order's status does not say so"
    return None


def _strangers(books: Books, ledger: Ledger, there: Mapping[str, list[RemoteOrder]], days: Days) -> None:
    """Orders that carry a sale key of which the ledger knows nothing."""
    known = ledger.sales_by_key(list(there))
    for key, found in there.items():
        if key in known or ":" not in key or not days.of(key):
            continue
        for order in found:
            if not order.is_deleted and days.first.isoformat() <= _day(order) <= days.last.isoformat():
                cause = "the ledger does not know this sale"
                cure = "Drop its export again, or: syncd ledger rebuild"
                shown = _total(order, str(order.raw.get("currency_code") or ""))
                books.differences.append(Difference(key, order.id, "no sale", shown, cause, cure))


def _day(order: RemoteOrder) -> str:
    return parsedate_to_datetime(order.date_created).date().isoformat()


def _difference(entry: Entry, order: RemoteOrder | None, there: str, cause: str, pos: str = "") -> Difference:
    sale = entry.sale
    cure = sale.cure or f"Look at it with: syncd sale {sale.sale_key}"
    said = pos or format_money(sale.total_inc_tax, sale.currency)
    return Difference(sale.sale_key, order.id if order else sale.order_id, said, there, cause, cure)


def _total(order: RemoteOrder, currency: str) -> str:
    return format_money(order.total_inc_tax or ZERO, currency)


def sums(groups: Iterable[tuple[tuple[Any, ...], Group]]) -> dict[str, Group]:
    """The groups of each currency together."""
    found: dict[str, Group] = {}
    for key, group in groups:
        one = found.setdefault(str(key[-1]), Group())
        one.sales, one.orders = one.sales + group.sales, one.orders + group.orders
        one.pos_total, one.order_total = one.pos_total + group.pos_total, one.order_total + group.order_total
    return found
