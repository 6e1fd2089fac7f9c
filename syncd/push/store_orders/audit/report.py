"""Reconciles the books: what the POS sold and gave back beside what BigCommerce shows of it, and why they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from syncd.bigcommerce.client import OrdersClient, RemoteOrder
from syncd.canonical.money import ZERO
from syncd.canonical.order import Tender
from syncd.ledger import Ledger
from syncd.mapping.rules import Rules
from syncd.mapping.stamp import SIGN, sign_line
from syncd.push.store_orders.audit import causes
from syncd.push.store_orders.audit.cases import Case, Given, gather
from syncd.push.store_orders.audit.causes import AuditDifference
from syncd.push.store_orders.audit.days import Days
from syncd.push.store_orders.audit.figures import NOT_TOLD, AuditFigures, Key, Missing, shares, tips_of
from syncd.push.store_orders.differences import BACK, NO_SALE, modified_at
from syncd.push.worker.observe import lines_of
from syncd.sale.states import State

_SKEW = timedelta(minutes=1)
LEFT_OUT = "left out"


@dataclass(slots=True)
class AuditReport:
    """The whole comparison: figures by key, differences, what is not in BigCommerce by reason, records that were never read.

    ``by_checkout`` is how many of the sales have an order that a checkout made; ``drafts`` are orders of checkouts that are still
    drafts, ``carts`` the sales whose cart is still there. Neither counts as a sale.
    """

    rows: dict[Key, AuditFigures] = field(default_factory=dict)
    differences: list[AuditDifference] = field(default_factory=list)
    missing: dict[str, Missing] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    by_checkout: int = 0
    drafts: list[int] = field(default_factory=list)
    carts: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing differs, and nothing is unread."""
        return not self.differences and not self.unread


def audit(  # noqa: PLR0913, PLR0917  both sides, and what is asked of them
    store: str,
    ledger: Ledger,
    orders: OrdersClient,
    rules: Rules,
    days: Days,
    sources: Collection[str] = (),
    *,
    by_card: bool = False,
) -> AuditReport:
    """Compare a store's sales of some business days with its orders; ``sources`` are those whose unread records count.

    Raises:
        RemoteError: the store could not be read.

    """
    report, of_returns = AuditReport(), list[AuditDifference]()
    entry = _Entry(report, rules, days, by_card=by_card)
    for part in gather(store, ledger, orders, rules, days):
        for case in part.sales:
            entry.sale(case)
            if days.hold(case.sale.business_day) or any(days.hold(one.day) for one in case.given):
                report.differences += causes.of_sale(case, rules, swapped=_is_swapped(case, orders))
                report.differences += causes.of_given(case)
            _note_checkout(report, case)
        for case in part.returns:
            entry.returned(case)
            of_returns += causes.of_return(case, rules)
        report.drafts += part.drafts
        for order in part.unknown_orders:
            entry.stranger(order)
            of_returns.append(causes.of_stranger(order))
    report.differences += of_returns
    faults = ledger.sources.open_faults()
    report.unread = {name: faults[name] for name in sorted(sources) if faults.get(name)}
    return report


def _note_checkout(report: AuditReport, case: Case) -> None:
    report.by_checkout += any(one.raw.get("order_source") == "checkout_api" for one in case.live[:1])
    if case.sale.checkout is not None and case.sale.checkout.has_cart:
        report.carts.append(case.sale.sale_key)


def _is_swapped(case: Case, orders: OrdersClient) -> bool:
    """Whether the lines of an order that was touched since we sent the last are others than we made it of."""
    live = case.live
    if not live or case.stamp is None or case.sent_at is None or case.sale.state is not State.SYNCED:
        return False
    changed = modified_at(live[0])
    if changed is None or changed <= case.sent_at + _SKEW or live[0].status_id in NO_SALE:
        return False
    there = Counter(sign_line(line) for line in lines_of(orders, live[0].id))
    return there != Counter(sign[:SIGN] for sign in case.stamp.lines)


class _Entry:
    """Enters sales and orders into the rows of a report."""

    def __init__(self, report: AuditReport, rules: Rules, days: Days, *, by_card: bool) -> None:
        self._report, self._rules, self._days = report, rules, days
        self._names = rules if by_card else None

    def sale(self, case: Case) -> None:
        """Enter a sale with its orders, and what was given back for it."""
        sale = case.sale
        counted = [order for order in case.live if order.status_id not in NO_SALE]
        if self._days.hold(sale.business_day):
            self._sold(case, counted)
        shown = self._shown(case, counted)
        for given in case.given:
            amount = min(given.amount, shown)
            shown -= amount
            self._given(case, given, amount)
        if shown:
            day = max((self._created(one, case) for one in case.records), default=sale.business_day)
            self._there_back(day, case, shown)

    def _sold(self, case: Case, counted: Sequence[RemoteOrder]) -> None:
        sale, order = case.sale, case.order
        tenders = order.tenders if order else ()
        place = sale.location or NOT_TOLD
        if case.is_sold:
            tip = order.tips_in_note if order is not None else ZERO
            where = (sale.business_day, place, tenders)
            rows = self._with_tip(where, sale.total_inc_tax, tip, sale.currency)
            rows[0][0].pos.number += 1
            rows[0][0].pos.tax += sale.total_tax
            if order is not None:
                rows[0][0].tips += tips_of(order)
                rows[0][0].rounding += order.rounding
            for row, amount, aside in rows:
                row.pos.gross += amount
                row.left_out += amount if case.is_left_out else aside
            if not counted:
                self._missing(case, sale.total_inc_tax)
        for there in counted:
            total = there.total_inc_tax or ZERO
            parts = self._spread(sale.business_day, place, tenders, total, sale.currency)
            parts[0][0].there.number += 1
            parts[0][0].there.tax += there.total_tax or ZERO
            for row, amount in parts:
                row.there.gross += amount

    def _shown(self, case: Case, counted: Sequence[RemoteOrder]) -> Decimal:
        """Return what BigCommerce shows as given back: by its records, else by a status that says so, which names no amount."""
        if not counted:
            return ZERO
        if case.goes_by_records(self._rules):
            return case.recorded
        if counted[0].status_id not in BACK:
            return ZERO
        return sum((one.amount for one in case.given if one.is_settled or one.sale is case.sale), ZERO)

    def _given(self, case: Case, given: Given, shown: Decimal) -> None:
        if not self._days.hold(given.day):
            return
        left_out = case.is_left_out or (given.sale is not case.sale and given.sale.state is State.SKIPPED)
        where = (given.day, given.location, given.tenders)
        rows = self._with_tip(where, given.amount, given.tip, case.sale.currency)
        rows[0][0].pos.tax -= given.tax
        for row, amount, aside in rows:
            row.pos.refunds += amount
            row.left_out -= amount if left_out else aside
        if shown:
            for row, amount in self._spread(given.day, given.location, given.tenders, shown, case.sale.currency):
                row.there.refunds += amount
            rows[0][0].there.tax -= given.tax if shown == given.amount else ZERO
        elif given.sale is not case.sale:
            self._missing(Case(given.sale, None), -given.amount)

    def _there_back(self, day: date, case: Case, amount: Decimal) -> None:
        """Enter what BigCommerce gave back, and the POS did not."""
        if not self._days.hold(day):
            return
        place, tenders = case.sale.location or NOT_TOLD, case.order.tenders if case.order else ()
        for row, part in self._spread(day, place, tenders, amount, case.sale.currency):
            row.there.refunds += part

    def _created(self, record: Mapping[str, object], case: Case) -> date:
        """Return the day on which a refund record was made, in the zone of its sale."""
        try:
            at = datetime.fromisoformat(str(record.get("created")))
        except ValueError:
            return case.sale.business_day
        return at.astimezone(case.sale.placed_here.tzinfo).date() if at.tzinfo else at.date()

    def returned(self, case: Case) -> None:
        """Enter a return of no known sale: an order of its own shows it, or none."""
        sale = case.sale
        if not case.is_sold or not self._days.hold(sale.business_day):
            return
        tenders = case.order.tenders if case.order else ()
        place = sale.location or NOT_TOLD
        tip = -case.order.tips_in_note if case.order else ZERO
        rows = self._with_tip((sale.business_day, place, tenders), -sale.total_inc_tax, tip, sale.currency)
        rows[0][0].pos.tax += sale.total_tax
        for row, amount, aside in rows:
            row.pos.refunds += amount
            row.left_out -= amount if case.is_left_out else aside
        counted = [order for order in case.live if order.status_id not in NO_SALE]
        for there in counted:
            total = -(there.total_inc_tax or ZERO)
            for row, amount in self._spread(sale.business_day, place, tenders, total, sale.currency):
                row.there.refunds += amount
            rows[0][0].there.tax += there.total_tax or ZERO
        if not counted:
            self._missing(case, sale.total_inc_tax)

    def stranger(self, order: RemoteOrder) -> None:
        """Enter an order of a sale that the ledger does not know."""
        currency = str(order.raw.get("currency_code") or order.currency)
        row = self._row(Key(order.day, NOT_TOLD, NOT_TOLD, currency))
        row.there.number += 1
        row.there.gross += order.total_inc_tax or ZERO
        row.there.tax += order.total_tax or ZERO

    def _missing(self, case: Case, amount: Decimal) -> None:
        left_out = case.sale.state is State.SKIPPED
        reason = LEFT_OUT if left_out else case.sale.state.value if case.sale.order_id is None else "gone"
        reason = "not shown" if reason == State.SYNCED.value else reason
        self._report.missing.setdefault(reason, Missing()).add(case.sale.currency, amount)

    def _spread(
        self, day: date, place: str, tenders: Iterable[Tender], amount: Decimal, currency: str
    ) -> list[tuple[AuditFigures, Decimal]]:
        """Return the rows of the ways in which an amount was paid, each with its share; the largest first."""
        parts = shares(tenders, amount, currency, self._names)
        return [(self._row(Key(day, place, label, currency)), part) for label, part in parts]

    def _with_tip(
        self, where: tuple[date, str, Sequence[Tender]], amount: Decimal, tip: Decimal, currency: str
    ) -> list[tuple[AuditFigures, Decimal, Decimal]]:
        """Return the rows of an amount with a tip that no order holds, each with its share of both and with that of the tip."""
        without = {id(row): part for row, part in self._spread(*where, amount, currency)}
        return [(row, part, part - without[id(row)]) for row, part in self._spread(*where, amount + tip, currency)]

    def _row(self, key: Key) -> AuditFigures:
        return self._report.rows.setdefault(key, AuditFigures())
