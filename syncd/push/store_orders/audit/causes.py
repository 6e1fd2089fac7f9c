"""Why a sale and its orders do not agree: each way in words, with what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from syncd.bigcommerce.client import RemoteOrder
from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.money import ZERO, format_money
from syncd.mapping.formats import status_words
from syncd.mapping.rules import Rules, applied
from syncd.push.store_orders.audit.cases import Case
from syncd.push.store_orders.differences import BACK, NO_SALE, moved_fields
from syncd.sale.sale import Sale
from syncd.sale.states import State

_ON_THE_WAY = {State.PENDING, State.SENDING, State.UNKNOWN}
_STANDS_STILL = {State.HELD, State.REJECTED}


class AuditDifference(Struct, frozen=True):
    """One sale on which the sides do not agree: what each says, why, and what to do."""

    sale: str
    order_id: int | None
    pos: str
    bigcommerce: str
    cause: str
    cure: str


class _Cause(Struct, frozen=True):
    """One way in which an order differs: in words, with what each side says where that is not the total."""

    words: str
    there: str = ""
    pos: str = ""


def of_sale(case: Case, rules: Rules, *, swapped: bool = False) -> Iterator[AuditDifference]:
    """Every difference of a sale: of its orders, each once. ``swapped``: its order's lines are not those that it was made of."""
    sale = case.sale
    if not case.is_sold:
        yield from _no_sale(case)
    elif case.is_left_out:
        yield from (
            _extra(case, order, "the sale is left out, and BigCommerce has an order of it") for order in case.live
        )
    elif not case.found:
        yield _missing(case)
    elif not case.live:
        yield _difference(case, case.found[0], "archived", "its order was archived in BigCommerce")
    else:
        first, *others = case.live
        for order in others:
            yield _extra(case, order, f"a second order beside order {first.id}")
        causes = list(_causes(case, first, rules))
        if swapped and not causes:
            causes = [_Cause("its lines are not those of the sale: somebody changed them within the same total")]
        if causes:
            words = "; ".join(dict.fromkeys(one.words for one in causes))
            there = next((one.there for one in causes if one.there), _total(first, sale.currency))
            pos = next((one.pos for one in causes if one.pos), "")
            yield _difference(case, first, there, words + _late(sale), pos=pos)


def of_return(case: Case, rules: Rules) -> Iterator[AuditDifference]:
    """Yield a return that no order shows; or whose own order, of negative quantities, does not come to it."""
    sale = case.sale
    if not case.is_sold or case.is_left_out:
        return
    if sale.state is not State.SYNCED:
        why = f": {sale.why}" if sale.why else ""
        yield _difference(case, None, "no order shows it", f"a return that is {sale.state.value}{why}")
    elif sale.returns_of is None and sale.order_id is not None and rules.unlinked_return == "negative_order":
        counted = [order for order in case.live if order.status_id not in NO_SALE]
        if not counted:
            yield _difference(case, None, "no order", f"order {sale.order_id} of the return does not stand any more")
        elif counted[0].total_inc_tax != sale.total_inc_tax:
            yield _difference(case, counted[0], _total(counted[0], sale.currency), "the totals differ")


def of_given(case: Case) -> Iterator[AuditDifference]:
    """Yield the returns of a sale that are held, rejected or on their way."""
    for given in case.given:
        sale = given.sale
        if sale is not case.sale and sale.state is not State.SYNCED and sale.state is not State.SKIPPED:
            why = f": {sale.why}" if sale.why else ""
            cure = sale.cure or f"Look at it with: syncd sale {sale.sale_key}"
            said = format_money(sale.total_inc_tax, sale.currency)
            cause = f"a return that is {sale.state.value}{why}"
            yield AuditDifference(sale.sale_key, sale.order_id, said, "no order shows it", cause, cure)


def of_stranger(order: RemoteOrder) -> AuditDifference:
    """Return an order that carries a sale key of which the ledger knows nothing."""
    shown = _total(order, str(order.raw.get("currency_code") or order.currency))
    cause, cure = "the ledger does not know this sale", "Drop its export again, or: syncd ledger rebuild"
    return AuditDifference(order.external_order_id, order.id, "no sale", shown, cause, cure)


def _no_sale(case: Case) -> Iterator[AuditDifference]:
    waits = case.sale.state in _ON_THE_WAY
    for order in case.live:
        if order.status_id in NO_SALE:
            continue
        if case.voided:
            cause = (
                "voided in the POS; the cancellation is on its way"
                if waits
                else "voided in the POS, and its order stands"
            )
            yield _difference(case, order, _total(order, case.sale.currency), cause, pos="voided")
        else:
            yield _extra(case, order, "it is no sale in the POS, and BigCommerce has an order of it")


def _extra(case: Case, order: RemoteOrder, cause: str) -> AuditDifference:
    return _difference(case, order, _total(order, case.sale.currency), cause)


def _missing(case: Case) -> AuditDifference:
    sale = case.sale
    if sale.order_id is not None:
        return _difference(case, None, "no order", f"order {sale.order_id} is gone from BigCommerce")
    why = f": {sale.why}" if sale.why else ""
    return _difference(case, None, "no order", f"it is {sale.state.value}{why}")


def _late(sale: Sale) -> str:
    if sale.state in _ON_THE_WAY:
        return "; a change from the POS is on its way"
    return f"; the change was {sale.state.value}: {sale.why}" if sale.state in _STANDS_STILL else ""


def _causes(case: Case, order: RemoteOrder, rules: Rules) -> Iterator[_Cause]:
    sale = case.sale
    currency = str(order.raw.get("currency_code") or sale.currency)
    if order.external_order_id != sale.sent_key:
        yield _Cause(f"its order carries another key, {order.external_order_id or 'none'}: a look-up would not find it")
    if order.status_id in NO_SALE:
        yield _Cause(f"its order is {NO_SALE[order.status_id]} in BigCommerce", NO_SALE[order.status_id])
        return
    if currency != sale.currency:
        yield _Cause("the order is in another currency", _total(order, currency))
        return
    if order.total_inc_tax != sale.total_inc_tax:
        yield _Cause("the totals differ", _total(order, currency))
    elif order.total_tax is not None and order.total_tax != sale.total_tax:
        taxes = (f"tax {format_money(one, currency)}" for one in (order.total_tax, sale.total_tax))
        yield _Cause("the taxes differ", *taxes)
    yield from _refunds(case, order, rules)
    if sale.state in _STANDS_STILL:
        yield _Cause("changed in the POS")
    for words in (*sale.belief.differs, *map(str, moved_fields(case.stamp, order))):
        yield _Cause(words)


def _refunds(case: Case, order: RemoteOrder, rules: Rules) -> Iterator[_Cause]:
    """Money that one side gave back and the other did not."""
    currency = case.sale.currency
    given = sum((one.amount for one in case.given if one.is_settled or one.sale is case.sale), ZERO)
    if case.goes_by_records(rules) and given != case.recorded:
        there, pos = (format_money(one, currency) for one in (case.recorded, given))
        yield _Cause(f"the POS refunded {pos}", f"refunded {there}")
    elif case.order is not None:
        yield from _status(case.order, order, given, rules)


def _status(sold: CanonicalOrder, order: RemoteOrder, given: Decimal, rules: Rules) -> Iterator[_Cause]:
    """Whether the status says what the POS gave back: nothing, a part, or all of it."""
    ids = applied(sold, rules)
    there = f"status {order.status_id}"
    if not given and sold.status is not SaleStatus.PARTIALLY_REFUNDED:
        if order.status_id in BACK and order.status_id != ids.status_id(sold.status):
            yield _Cause(f"it is {BACK[order.status_id]} there, and not in the POS", there)
        return
    whole = given >= sold.total_inc_tax
    wanted = ids.status_id(SaleStatus.REFUNDED if whole else SaleStatus.PARTIALLY_REFUNDED)
    if order.status_id == wanted:
        return
    if order.status_id in BACK:
        part = f"{format_money(given, sold.currency)} of {format_money(sold.total_inc_tax, sold.currency)}"
        yield _Cause(f"it is {status_words(order.status_id)} there; the POS gave back {part}", there)
    else:
        yield _Cause("refunded in the POS, and the order's status does not say so", there)


def _difference(case: Case, order: RemoteOrder | None, there: str, cause: str, pos: str = "") -> AuditDifference:
    sale = case.sale
    cure = sale.cure or f"Look at it with: syncd sale {sale.sale_key}"
    said = pos or format_money(sale.total_inc_tax, sale.currency)
    return AuditDifference(sale.sale_key, order.id if order else sale.order_id, said, there, cause, cure)


def _total(order: RemoteOrder, currency: str) -> str:
    return format_money(order.total_inc_tax or ZERO, currency)
