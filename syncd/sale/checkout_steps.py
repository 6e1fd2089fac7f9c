"""Decide the next call of a sale's checkout: from what the store has of it and from its plan, one call out. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import format_money, minor
from syncd.mapping.checkout import CheckoutPlan, finish_body, map_checkout
from syncd.mapping.model import Mapped, Payload
from syncd.mapping.rules import CheckoutRules, Rules
from syncd.mapping.workflow import WorkflowChoice
from syncd.sale.checkout import CallKind, Checkout, Ended, as_shown, next_to
from syncd.sale.overrides import Verb
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State
from syncd.sale.steps import CheckoutCall, Compared, Create, Hold, LookUp, Observation, Step

_DIFFERS = (
    "Correct what it names in BigCommerce or in the POS, then: syncd retry {key}; "
    "to send the till's amounts by the Orders API: syncd release {key}"
)
_OTHERWISE = (
    "Correct that in the POS, or send such sales by the Orders API "
    '(checkout.otherwise = "orders"), then: syncd release {key}'
)
_VERSIONED = frozenset({"billing", "delivery", "shipping", "discounts", "coupon", "message"})


def by_workflow(sale: Sale, order: CanonicalOrder, create: Create, observation: Observation, rules: Rules) -> Step:
    """Return the step of a sale that is to get an order: the create itself, or the next call of what makes it in several."""
    mapped = create.mapped
    assert mapped is not None  # noqa: S101  the caller has mapped it
    if sale.checkout is None and not rules.uses_checkout:
        return _direct(create, rules)
    checkout = sale.checkout if sale.checkout is not None and sale.checkout.is_of(sale.fingerprint) else None
    if checkout is not None and checkout.has_draft:
        return finish(checkout, mapped, rules.checkout)
    if ended_by_orders(sale):
        return _direct(create, rules)
    planned = map_checkout(
        order, observation.matches, rules, observation.occasion, includes_tax=observation.includes_tax
    )
    if isinstance(planned, WorkflowChoice):
        if planned.held and sale.overrides.of(Verb.RELEASE, sale.fingerprint) is None:
            return Hold(
                f"it cannot go by the checkout: {planned.why}", _OTHERWISE.format(key=sale.sale_key), objects=True
            )
        return _direct(create, rules)
    return _next_call(sale, checkout, planned, observation, rules)


def ended_by_orders(sale: Sale) -> bool:
    """Whether this version goes by the Orders API since its checkout was given up: by rule, or since a person released it."""
    checkout = sale.checkout
    if checkout is None or checkout.ended is None or checkout.fingerprint != sale.fingerprint:
        return False
    return checkout.ended.state is None or sale.overrides.of(Verb.RELEASE, sale.fingerprint) is not None


def _direct(create: Create, rules: Rules) -> Create:
    """Return the create by the Orders API; as a draft where the config wants two steps."""
    if rules.create == "direct" or create.mapped is None or create.more:
        return create
    mapped = replace(create.mapped, payload={**create.mapped.payload, "status_id": 0})
    return replace(create, mapped=mapped, draft=True)


def finish(checkout: Checkout, mapped: Mapped, rules: CheckoutRules) -> CheckoutCall:
    """Return the PUT that makes the draft the sale's order."""
    if checkout.cart_id is None:
        body: Payload = {"status_id": mapped.payload["status_id"]}
        return CheckoutCall(AttemptKind.FINISH, "finish", checkout, body, order_id=checkout.order_id, said=mapped.said)
    allowed = rules.promotions == "allow" and bool(checkout.discount)
    body = finish_body(mapped.payload, without=checkout.without, totals=bool(rules.tolerance) and not allowed)
    totals = None
    differs: tuple[str, ...] = ()
    if allowed and checkout.grand_total is not None and checkout.tax_total is not None:
        totals = (checkout.grand_total, checkout.tax_total)
        till = f"Total in the POS: {mapped.payload['total_inc_tax']}"
        body["staff_notes"] = f"{body.get('staff_notes') or ''}\n{till}".strip()
        differs = (f"its total is the store's, {checkout.grand_total}, after a promotion; {till.lower()}",)
    return CheckoutCall(
        AttemptKind.FINISH, "finish", checkout, body, order_id=checkout.order_id, totals=totals, differs=differs
    )


def _next_call(
    sale: Sale, checkout: Checkout | None, plan: CheckoutPlan, observation: Observation, rules: Rules
) -> Step:
    name = _digest(plan)
    if checkout is not None and checkout.plan != name and checkout.has_cart:
        return Compared(replace(checkout, fingerprint=""), "what is to be sent has changed: it begins with a new cart")
    if checkout is None or checkout.plan != name:
        checkout = replace(next_to(sale.checkout, sale.fingerprint), plan=name)
    if observation.cart_is_gone:
        checkout = replace(next_to(checkout, sale.fingerprint), plan=name)
    if checkout.unsure and observation.checkout is not None:
        checkout = as_shown(
            checkout, observation.checkout, {"billing": plan.billing, "message": plan.message, "fees": plan.fees}
        )
    for call, body in calls_of(checkout, plan, observation.checkout):
        done = f"coupon:{body['coupon_code']}" if call == "coupon" and body is not None else call
        if done not in checkout.done:
            kind = AttemptKind.CART if call == "cart" else AttemptKind.DRESS
            return CheckoutCall(kind, call, checkout, _versioned(call, body, checkout))
    if (ended := _difference(sale, checkout, plan, rules.checkout)) is not None:
        return Compared(replace(checkout, ended=ended), ended.why)
    return CheckoutCall(AttemptKind.CONVERT, "convert", checkout)


def calls_of(
    checkout: Checkout, plan: CheckoutPlan, shown: Mapping[str, Any] | None = None
) -> list[tuple[CallKind, Any]]:
    """Return the calls of a plan before the conversion, in their order, with their bodies.

    ``shown`` is the checkout as the store shows it, with the shipping options that are offered.
    """
    calls: list[tuple[CallKind, Any]] = [("cart", plan.cart), ("billing", plan.billing)]
    if plan.delivery is not None and checkout.items:
        lines = [{"item_id": number, "quantity": quantity} for number, quantity in checkout.items]
        calls.append(("delivery", [{**plan.delivery, "line_items": lines}]))
        if plan.shipping is not None:
            calls.append(("shipping", plan.shipping or _offered(plan, shown)))
    if plan.discounts is not None:
        calls.append(("discounts", plan.discounts))
    calls += [("coupon", {"coupon_code": code}) for code in plan.coupons]
    if plan.fees is not None:
        calls.append(("fees", plan.fees))
    calls.append(("message", plan.message))
    return calls


def _offered(plan: CheckoutPlan, shown: Mapping[str, Any] | None) -> Payload:
    """Return the choice of an offered option: by its name, else by its cost, else the till's own method and cost."""
    assert plan.offered is not None  # noqa: S101  a plan without its own shipping names the option
    method, cost = plan.offered
    consignments = (shown or {}).get("consignments") or ()
    options = [one for row in consignments for one in row.get("available_shipping_options") or ()]
    by_name = [one for one in options if str(one.get("description")).casefold() == method.casefold()]
    by_cost = [one for one in options if Decimal(str(one.get("cost"))) == cost]
    for one in (*by_name, *by_cost):
        return {"shipping_option_id": str(one["id"])}
    return {"custom_shipping": {"description": method, "price": float(cost)}}


def _versioned(call: CallKind, body: Any, checkout: Checkout) -> Any:  # noqa: ANN401  an object, or the list of consignments
    """Return a body with the version that it is for: a late repetition is then refused, and changes nothing."""
    if call not in _VERSIONED or checkout.version is None:
        return body
    if isinstance(body, list):
        return [{**body[0], "version": checkout.version}, *body[1:]]
    if call == "discounts":
        return {"cart": {**body["cart"], "version": checkout.version}}
    return {**body, "version": checkout.version}


def _digest(plan: CheckoutPlan) -> str:
    parts = (
        plan.cart,
        plan.billing,
        plan.delivery,
        plan.shipping,
        plan.discounts,
        plan.coupons,
        plan.fees,
        plan.message,
    )
    said = json.dumps([parts, str(plan.total), str(plan.tax)], sort_keys=True).encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=8).hexdigest()


def _difference(sale: Sale, checkout: Checkout, plan: CheckoutPlan, rules: CheckoutRules) -> Ended | None:
    """Return how the store's totals are not the till's, and what follows; None where they are the same to the cent."""
    why = difference(checkout, plan, rules, sale.currency)
    if not why:
        return None
    if rules.on_difference == "orders":
        return Ended(why)
    return Ended(why, State.HELD, _DIFFERS.format(key=sale.sale_key))


def difference(checkout: Checkout, plan: CheckoutPlan, rules: CheckoutRules, currency: str) -> str:
    """Say how the store's totals are not the till's, by the rules; empty where they are."""
    total, tax = (_whole(amount, currency) for amount in (checkout.grand_total, checkout.tax_total))
    if total is None or tax is None:
        return "the store's answer shows no total"
    if abs(total - plan.total) <= rules.tolerance and abs(tax - plan.tax) <= rules.tolerance:
        return ""
    if checkout.discount and rules.promotions == "allow" and total < plan.total:
        return ""
    return difference_words(checkout, plan, currency)


def _whole(amount: Decimal | None, currency: str) -> Decimal | None:
    return None if amount is None else minor(amount, currency)


def difference_words(checkout: Checkout, plan: CheckoutPlan, currency: str) -> str:
    """Say how the store's totals differ from the till's, and what of it is known: a promotion, tax, shipping, the lines."""

    def shown(amount: Decimal | None) -> str:
        return "nothing" if amount is None else format_money(amount, currency)

    what = [f"the store makes it {shown(checkout.grand_total)}; the till took {shown(plan.total)}"]
    if checkout.discount:
        what.append(f"a promotion of the store takes {shown(checkout.discount)}")
    if checkout.tax_total != plan.tax:
        what.append(f"tax {shown(checkout.tax_total)} against {shown(plan.tax)}")
    if checkout.grand_total is not None and checkout.tax_total is not None:
        goods = checkout.grand_total - checkout.tax_total + (checkout.discount or Decimal(0))
        if goods != plan.total - plan.tax:
            lines = ", ".join(f"{name} {shown(amount)}" for name, amount in plan.lines[:10])
            what.append(f"without tax {shown(goods)} against {shown(plan.total - plan.tax)} ({lines})")
    return "; ".join(what)


def closed_first(sale: Sale, step: Step) -> Step:
    """Return the step that tidies up before ``step`` where a checkout does not go on: no cart and no draft is left behind."""
    checkout = sale.checkout
    if checkout is None or not checkout.is_open or isinstance(step, LookUp):
        return step
    if isinstance(step, Create | CheckoutCall | Compared) and checkout.is_of(sale.fingerprint) and not checkout.live:
        return step
    return tidy(checkout)


def tidy(checkout: Checkout) -> CheckoutCall:
    """Return the call that takes away the next thing that a checkout left in the store: a draft before the cart."""
    drafts = (*((checkout.order_id,) if checkout.has_draft else ()), *checkout.more_drafts)
    for draft in drafts:
        why = f"draft order {draft} is to be archived"
        return CheckoutCall(AttemptKind.TIDY, "archive", checkout, None, why, order_id=draft)
    made = f"order {checkout.order_id} is made; " if checkout.live else ""
    return CheckoutCall(AttemptKind.TIDY, "delete", checkout, None, f"{made}its cart is to be deleted")
