"""What is compared: each sale with its orders, with what was given back for it on both sides, and what it was made to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.bigcommerce.classify import amount
from syncd.bigcommerce.client import OrdersClient, RemoteOrder
from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.money import ZERO
from syncd.canonical.order import Tender
from syncd.errors import LedgerError
from syncd.ledger import Ledger
from syncd.mapping.refund import tax_of
from syncd.mapping.rules import Rules
from syncd.mapping.stamp import Stamp
from syncd.push.store_orders.audit.figures import NOT_TOLD
from syncd.push.store_orders.differences import BACK
from syncd.push.store_orders.scan import scan_orders
from syncd.sale.sale import Sale
from syncd.sale.states import State

_ZONES = timedelta(hours=27)  # from the easternmost zone to the westernmost, and an hour


@dataclass(frozen=True, slots=True)
class Days:
    """A range of business days, both included; of one source, by the name in its sale keys, or of all."""

    first: date
    last: date
    keys: str | None = None

    def of(self, key: str) -> bool:
        """Whether the sale of a key belongs here, as far as its source goes."""
        return self.keys is None or key.startswith(f"{self.keys}:")

    def hold(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last

    @property
    def begin(self) -> datetime:
        """The instant before which no sale of these days was made, in whatever zone."""
        return datetime.combine(self.first, time(), UTC) - _ZONES


@dataclass(frozen=True, slots=True)
class Given:
    """Money that the POS gave back: when, where and how, its tax, and the sale or return that says so.

    ``tip`` went back beside the amount; no order holds it, for its store wants tips in the note alone.
    """

    day: date
    location: str
    tenders: Sequence[Tender]
    amount: Decimal
    tax: Decimal
    sale: Sale
    tip: Decimal = ZERO

    @property
    def is_settled(self) -> bool:
        """Whether BigCommerce should show it by now."""
        return self.sale.state is State.SYNCED


@dataclass(slots=True)
class Case:
    """A sale, and everything that belongs to it; ``order`` is None where retention has dropped its document."""

    sale: Sale
    order: CanonicalOrder | None
    given: list[Given] = field(default_factory=list)
    found: list[RemoteOrder] = field(default_factory=list)
    records: list[Mapping[str, Any]] = field(default_factory=list)
    only_by_status: bool = False  # the POS says that it was refunded, and tells of no refund
    stamp: Stamp | None = None
    sent_at: datetime | None = None

    @property
    def voided(self) -> bool:
        """Whether the POS took the sale back."""
        return self.order is not None and self.order.status is SaleStatus.VOIDED

    @property
    def is_sold(self) -> bool:
        """Whether the till's own report counts it: no void, no training, and not open still."""
        if self.order is None:
            return self.sale.state is not State.SKIPPED
        is_open = self.order.status is SaleStatus.OPEN and (self.order.is_open or self.sale.state is State.SKIPPED)
        return not (self.voided or self.order.training or is_open)

    @property
    def is_left_out(self) -> bool:
        """Whether a rule or a person keeps it out of BigCommerce."""
        return self.is_sold and self.sale.state is State.SKIPPED and self.sale.order_id is None

    @property
    def live(self) -> list[RemoteOrder]:
        """Its orders that are not archived, the one that it is linked to first."""
        live = [one for one in self.found if not one.is_deleted]
        return sorted(live, key=lambda one: (one.id != self.sale.order_id, one.id))

    def goes_by_records(self, rules: Rules) -> bool:
        """Whether refund records say what BigCommerce gave back; where refunds are statuses, records are a person's alone."""
        return bool(self.recorded) or (rules.refunds == "record" and not self.only_by_status)

    @property
    def recorded(self) -> Decimal:
        """What the refund records of its orders come to, those aside of which every payment was declined."""
        taken = (one for one in self.records if not _is_declined(one))
        return sum((amount(one.get("total_amount")) or ZERO for one in taken), ZERO)


@dataclass(frozen=True, slots=True)
class Cases:
    """All of a range: sales, returns of no known sale, and orders that carry a key which nobody knows."""

    sales: Sequence[Case]
    returns: Sequence[Case]
    unknown_orders: Sequence[RemoteOrder]


def gather(store: str, ledger: Ledger, orders: OrdersClient, rules: Rules, days: Days) -> Cases:
    """Read both sides.

    Raises:
        RemoteError: the store could not be read.

    """
    entered = [one for one in ledger.overviews.of_days(store, days.first, days.last) if days.of(one.sale_key)]
    entered += [one for one in ledger.overviews.refunded_since(store, days.first) if days.of(one.sale_key)]
    known = {one.sale_key: one for one in entered}
    named = {one.returns_of for one in entered if one.returns_of is not None} - known.keys()
    known |= {key: one for key, one in ledger.sales_by_key(sorted(named)).items() if one.store == store}
    cases = {key: Case(one, _order(one)) for key, one in known.items()}
    originals = {
        key: case for key, case in cases.items() if case.sale.total_inc_tax >= 0 and case.sale.returns_of is None
    }
    alone = [case for key, case in cases.items() if key not in originals]
    for returned in ledger.overviews.returns_of(store, list(originals)):
        original = originals[str(returned.returns_of)]
        if (case := cases.get(returned.sale_key)) is not None:
            alone.remove(case)
        _give_back(original, case or Case(returned, _order(returned)))
    _say(ledger, originals)
    unknown_orders = _find(orders, {**originals, **{case.sale.sale_key: case for case in alone}}, ledger, days)
    _record(orders, originals.values(), rules, days)
    return Cases(list(originals.values()), alone, unknown_orders)


def _order(sale: Sale) -> CanonicalOrder | None:
    try:
        return sale.order() if sale.document else None
    except LedgerError:  # damaged; the ledger's own check tells of it
        return None


def _give_back(original: Case, returned: Case) -> None:
    """Count a return of its own as money that was given back for its original; a void gave nothing back."""
    sale, order = returned.sale, returned.order
    if not returned.is_sold:
        return
    tenders = order.tenders if order else ()
    location = sale.location or NOT_TOLD
    tip = -order.tips_in_note if order else ZERO
    back = Given(sale.business_day, location, tenders, -sale.total_inc_tax, -sale.total_tax, sale, tip)
    original.given.append(back)


def _say(ledger: Ledger, cases: Mapping[str, Case]) -> None:
    """Note what each order was last made to say and when, and the refunds that its sale itself tells of."""
    ids = [case.sale.id for case in cases.values() if case.sale.order_id is not None]
    stamps = ledger.stamps_of(ids)
    sent = ledger.sent_at([*ids, *(one.sale.id for case in cases.values() for one in case.given)])
    for case in cases.values():
        sale, order = case.sale, case.order
        text = stamps.get(sale.id)
        case.stamp = Stamp.from_json(text) if text else None
        every = [sent.get(one) for one in (sale.id, *(given.sale.id for given in case.given))]
        case.sent_at = max((at for at in every if at is not None), default=None)
        if order is None or not case.is_sold:
            continue
        if order.status is SaleStatus.REFUNDED and not order.refunded and not case.given:
            case.only_by_status, place = True, sale.location or NOT_TOLD
            whole = Given(order.day, place, order.tenders, sale.total_inc_tax, sale.total_tax, sale, order.tips_in_note)
            case.given.append(whole)
        for refund in order.refunded:
            tenders = refund.tenders or order.tenders
            place = sale.location or NOT_TOLD
            tax = tax_of(order, refund)
            back = Given(order.day_of(refund), place, tenders, refund.amount_inc_tax, tax, sale, refund.tip_in_note)
            case.given.append(back)
    for case in cases.values():
        case.given.sort(key=lambda one: (not one.is_settled, one.day))


def _find(orders: OrdersClient, cases: Mapping[str, Case], ledger: Ledger, days: Days) -> list[RemoteOrder]:
    """Return the orders of the sales, whatever day they are dated; the others that carry one of our keys.

    Every order of a sale was made after the sale, and touched since, so that what was modified since the first day holds them all.
    """
    by_id = {case.sale.order_id: case for case in cases.values() if case.sale.order_id is not None and _owns(case)}
    by_key = {case.sale.sent_key: case for case in cases.values()}
    others: dict[str, list[RemoteOrder]] = {}
    for page in scan_orders(lambda archived: orders.list_modified(days.begin, archived=archived)):
        for order in page.orders:
            case = by_id.get(order.id) or by_key.get(order.external_order_id)
            if case is not None:
                case.found.append(order)
            elif ":" in order.external_order_id and not order.is_deleted:
                others.setdefault(order.external_order_id, []).append(order)
    for number, case in by_id.items():
        if number is not None and all(one.id != number for one in case.found):
            linked = orders.get(number)
            case.found += [linked] if linked is not None else []
    known = ledger.sales_by_key(list(others))
    strange = (one for key, some in others.items() if key not in known and days.of(key) for one in some)
    return [one for one in strange if days.hold(_day(one))]


def _owns(case: Case) -> bool:
    """Whether the order of a sale is its own: a return shows on the order of its original."""
    return case.sale.returns_of is None


def _day(order: RemoteOrder) -> date:
    return parsedate_to_datetime(order.date_created).date()


def _record(orders: OrdersClient, cases: Iterable[Case], rules: Rules, days: Days) -> None:
    """Note the refund records of all orders, whoever made them and whatever their status says."""
    by_order = {one.id: case for case in cases for one in case.found}
    likely = set(_likely(by_order, rules))
    early = {number for number, case in by_order.items() if case.sale.business_day < days.first}
    for number, records in orders.refunds_since(days.begin, by_order.keys() & (likely | early)).items():
        if number in by_order:
            by_order[number].records += records


def _likely(by_order: Mapping[int, Case], rules: Rules) -> Iterator[int]:
    for number, case in by_order.items():
        status = next(one.status_id for one in case.found if one.id == number)
        if status in BACK or (rules.refunds == "record" and case.given):
            yield number


def _is_declined(record: Mapping[str, Any]) -> bool:
    payments = record.get("payments") or ()
    return bool(payments) and all(payment.get("is_declined") for payment in payments)
