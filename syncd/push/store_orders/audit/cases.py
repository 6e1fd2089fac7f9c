"""What is compared: each sale with its orders, with what was given back for it on both sides, and what it was made to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from msgspec import Struct

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
from syncd.push.store_orders.audit.days import Days
from syncd.push.store_orders.audit.figures import NOT_TOLD
from syncd.push.store_orders.audit.shown_orders import ShownOrders
from syncd.push.store_orders.differences import BACK
from syncd.sale.sale import Sale
from syncd.sale.states import State

_AT_ONCE = 100
"""Sales that are compared together: what an audit keeps in memory does not grow with them."""


class Given(Struct, frozen=True):
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
        there = [one for one in self.found if not one.is_deleted]
        live = [
            one for one in there if one.status_id or one.id == self.sale.order_id
        ] or there  # a draft is no second order
        return sorted(live, key=lambda one: (one.id != self.sale.order_id, one.id))

    def goes_by_records(self, rules: Rules) -> bool:
        """Whether refund records say what BigCommerce gave back; where refunds are statuses, records are a person's alone."""
        return bool(self.recorded) or (rules.refunds == "record" and not self.only_by_status)

    @property
    def recorded(self) -> Decimal:
        """What the refund records of its orders come to, those aside of which every payment was declined."""
        taken = (one for one in self.records if not _is_declined(one))
        return sum((amount(one.get("total_amount")) or ZERO for one in taken), ZERO)


class Cases(Struct, frozen=True):
    """A part of a range: sales, returns of no known sale, orders that carry a key which nobody knows, drafts of checkouts."""

    sales: Sequence[Case]
    returns: Sequence[Case]
    unknown_orders: Sequence[RemoteOrder]
    drafts: Sequence[int] = ()


def gather(store: str, ledger: Ledger, orders: OrdersClient, rules: Rules, days: Days) -> Iterator[Cases]:
    """Read both sides, and yield some sales at a time with all that belongs to them; at last the orders that nobody knows.

    Raises:
        RemoteError: the store could not be read.

    """
    parts = _Parts(store, ledger, ShownOrders(orders, days), rules, days)
    sold = ledger.overviews.of_days(store, days.first, days.last)
    of_source = (
        one for one in chain(ledger.overviews.refunded_since(store, days.first), sold) if days.of(one.sale_key)
    )
    while some := list(islice(of_source, _AT_ONCE)):
        yield parts.part(some)
    yield Cases((), (), list(parts.there.unknown(ledger)), parts.there.drafts)


class _Parts:
    """Puts sales together with their returns and orders, part by part; each sale stands in one part."""

    def __init__(self, store: str, ledger: Ledger, there: ShownOrders, rules: Rules, days: Days) -> None:
        self._store, self._ledger, self.there, self._rules, self._days = store, ledger, there, rules, days
        self._done: set[str] = set()  # sales of other days that stand in a part

    def part(self, entered: Sequence[Sale]) -> Cases:
        """Return what belongs to some sales; a return goes to the part of its original."""
        known = {one.sale_key: one for one in entered}
        named = {one.returns_of for one in entered if one.returns_of is not None} - known.keys()
        found = {key: one for key, one in self._ledger.sales.by_key(sorted(named)).items() if one.store == self._store}
        elsewhere = {key for key, one in found.items() if key in self._done or self._is_asked_for(one)}
        known |= {key: one for key, one in found.items() if key not in elsewhere}
        self._done |= {key for key, one in known.items() if not self._is_asked_for(one)}
        cases = {key: Case(one, _order(one)) for key, one in known.items()}
        originals = {key: case for key, case in cases.items() if _is_original(case.sale)}
        alone = {key: case for key, case in cases.items() if key not in originals}
        for returned in self._ledger.overviews.returns_of(self._store, list(originals)):
            case = alone.pop(returned.sale_key, None)
            _give_back(originals[str(returned.returns_of)], case or Case(returned, _order(returned)))
        for key, case in list(alone.items()):
            if case.sale.returns_of in elsewhere and _is_original(found[case.sale.returns_of]):
                del alone[key]
        _say(self._ledger, originals)
        self._find([*originals.values(), *alone.values()])
        self._record(originals.values())
        return Cases(list(originals.values()), list(alone.values()), ())

    def _is_asked_for(self, sale: Sale) -> bool:
        return self._days.hold(sale.business_day) and self._days.of(sale.sale_key)

    def _find(self, cases: Sequence[Case]) -> None:
        """Give each sale its orders: the one that it is linked to, and those that carry its key and are linked to no other."""
        own = {case.sale.order_id: case.sale.sale_key for case in cases if _owns(case.sale)}
        more = {case.sale.sale_key: set(self.there.with_key(case.sale.sent_key)) - own.keys() for case in cases}
        linked = self._ledger.sales.of_orders(self._store, sorted(set().union(*more.values())))
        others = {sale.order_id for sale in linked if _owns(sale)}
        for case in cases:
            ids = [case.sale.order_id] if _owns(case.sale) and case.sale.order_id is not None else []
            ids += sorted(more[case.sale.sale_key] - others)
            case.found += [order for one in ids if (order := self.there.claim(one)) is not None]

    def _record(self, cases: Iterable[Case]) -> None:
        """Note the refund records of all orders, whoever made them and whatever their status says."""
        by_order = {one.id: case for case in cases for one in case.found}
        likely = set(_likely(by_order, self._rules))
        early = {number for number, case in by_order.items() if case.sale.business_day < self._days.first}
        for number, record in self.there.refunds(likely | early, by_order.keys()):
            by_order[number].records.append(record)


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
    stamps = ledger.attempts.stamps_of(ids)
    sent = ledger.attempts.sent_at([*ids, *(one.sale.id for case in cases.values() for one in case.given)])
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


def _is_original(sale: Sale) -> bool:
    return sale.total_inc_tax >= 0 and sale.returns_of is None


def _owns(sale: Sale) -> bool:
    """Whether the order of a sale is its own: a return shows on the order of its original."""
    return sale.returns_of is None


def _likely(by_order: Mapping[int, Case], rules: Rules) -> Iterator[int]:
    for number, case in by_order.items():
        status = next(one.status_id for one in case.found if one.id == number)
        if status in BACK or (rules.refunds == "record" and case.given):
            yield number


def _is_declined(record: Mapping[str, Any]) -> bool:
    payments = record.get("payments") or ()
    return bool(payments) and all(payment.get("is_declined") for payment in payments)
