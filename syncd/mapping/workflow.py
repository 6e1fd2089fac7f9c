"""Choose the workflow that makes a sale's order: the Orders API, or the Management Checkout. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import LineKind, SaleStatus
from syncd.canonical.money import ZERO
from syncd.canonical.order import Line
from syncd.mapping.addresses import billing_address
from syncd.mapping.charges import charged, taken_off
from syncd.mapping.lines import MappedLine, sold
from syncd.mapping.rules import Occasion, Rules, Workflow, applied

_MOST_FEES = 5  # https://developer.bigcommerce.com/docs/rest-management/checkouts/checkout-fees
_RATE = Decimal("0.001")


class WorkflowChoice(Struct, frozen=True):
    """The workflow of a sale, and why; ``held`` where the sale may go by no other."""

    workflow: Workflow
    why: str
    held: bool = False


def choose_workflow(
    order: CanonicalOrder, lines: Sequence[MappedLine], rules: Rules, occasion: Occasion
) -> WorkflowChoice:
    """Return the workflow by which a sale becomes an order. ``lines`` are its lines as they were matched with the catalog."""
    here = applied(order, rules, occasion)
    if here.workflow == "orders":
        return WorkflowChoice("orders", 'workflow = "orders"')
    wanted = rules.checkout.only
    if wanted and order.fulfilment not in wanted:
        named = ", ".join(one.value for one in wanted)
        return WorkflowChoice("orders", f"the sale is {order.fulfilment.value}, and the checkout is for {named} only")
    if occasion.backfill or occasion.history:  # mails, dates and billing: whatever is set
        return WorkflowChoice("orders", "a sale of the past never goes by the checkout")
    if why := cannot_check_out(order, lines, rules):
        return WorkflowChoice("orders", why, held=rules.checkout.otherwise == "hold")
    return WorkflowChoice("checkout", 'workflow = "checkout"')


def cannot_check_out(order: CanonicalOrder, lines: Sequence[MappedLine], rules: Rules) -> str:
    """Return why a sale can never be a checkout, whatever the config says; empty where it can."""
    address, _ = billing_address(order, applied(order, rules).default_address)
    plain = (
        (order.total_inc_tax < 0 or order.returns_of is not None, "it is a return"),
        (any(line.quantity < 0 for line in order.lines), "goods came back with it"),
        (order.status is not SaleStatus.COMPLETED, f"it is {order.status.value.replace('_', ' ')} in the POS"),
        (not address.get("email"), "it has no e-mail address, nor has the shop's default address"),
        (not lines, "it has no line that sells anything"),
        (len(charged(order)) > _MOST_FEES, f"a checkout takes at most {_MOST_FEES} fees"),
        (not _is_lowered_by_goods(order), "it redeems a deposit or has a charge below zero"),
    )
    for is_so, why in plain:
        if is_so:
            return why
    return _taxed_otherwise(order, lines, rules)


def _is_lowered_by_goods(order: CanonicalOrder) -> bool:
    deposits = any(line.kind is LineKind.DEPOSIT and line.total_inc_tax < 0 for line in order.lines)
    return not deposits and not any(fee.total_inc_tax < 0 for fee in order.fees) and taken_off(order) >= 0


def is_issued(line: Line, rules: Rules) -> bool:
    """Whether BigCommerce issues a gift certificate for a line."""
    return rules.checkout.gift_certificates == "issue" and line.kind is LineKind.GIFT_CARD


def _taxed_otherwise(order: CanonicalOrder, lines: Sequence[MappedLine], rules: Rules) -> str:
    """Return why custom lines cannot go: a custom item carries no tax class, so the store taxes it like most others."""
    taxed = [
        (_rate(line), mapped)
        for (_, line), mapped in zip(sold(order), lines, strict=True)
        if not is_issued(line, rules)
    ]
    if not taxed:
        return ""
    usual = Counter(rate for rate, _ in taxed).most_common(1)[0][0]
    custom = [rate for rate, mapped in taxed if not mapped.wired.get("product_id")]
    if any(rate != usual for rate in custom):
        return "a line without a product is taxed at another rate, and custom items of a cart have no tax class"
    return ""


def _rate(line: Line) -> Decimal:
    if not line.total_ex_tax:
        return ZERO
    return ((line.total_inc_tax - line.total_ex_tax) / line.total_ex_tax).quantize(_RATE)
