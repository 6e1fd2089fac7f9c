"""What a store must have, and what a till must agree on, for sales to go by the Management Checkout."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from syncd.app import App
from syncd.canonical import CanonicalOrder
from syncd.errors import LedgerError, StoreAccessDenied, StoreError, StoreRejected
from syncd.ledger import Selection
from syncd.mapping.addresses import billing_address
from syncd.mapping.checkout import CheckoutPlan, as_v3, map_checkout
from syncd.mapping.rules import LIVE
from syncd.push.dry_cart import DryCart, dry_cart
from syncd.sale.checkout_steps import difference
from syncd.sources import Finding
from syncd.stores import StoreServices

_SAMPLE = Decimal(100)
_RECENT = 20
_TILLS = 3
_SCOPES = "Give the token the scopes Carts: modify and Checkouts: modify."
_MAILS_OFF = (
    "syncd deletes each cart within moments; a store that cannot be reached for an hour would be the exception."
)


def checkout_findings(app: App, store: StoreServices) -> Iterator[Finding]:
    """Yield what concerns the checkout; nothing where no sale goes that way.

    Raises:
        RemoteError: the store could not be asked.

    """
    if not store.settings.rules.uses_checkout:
        return
    yield from _settings(store)
    found = _sample(app, store)
    if found.refused:
        yield Finding("error", f"a cart cannot be filled: {found.refused}", _SCOPES)
        return
    if found.left:
        yield Finding(
            "warning", f"the cart {found.left} of this check could not be deleted", "Delete it in BigCommerce."
        )
    yield from _as_the_store_prices(store, found)
    yield from _as_the_till_does(app, store)


def _settings(store: StoreServices) -> Iterator[Finding]:
    info, rules = store.info, store.settings.rules
    try:
        if info.cart_settings().get("allow_purchasing") is False:
            cure = 'Allow purchasing in the store\'s settings, or set workflow = "orders".'
            yield Finding("error", "the store lets nobody buy: carts are refused", cure)
        if info.abandoned_cart_settings().get("enable_notification"):
            yield Finding("warning", "the store mails shoppers about carts that they leave", _MAILS_OFF)
        promoted = info.promotion_settings().get("promotions_apply_on_products_with_custom_product_price")
        if promoted and rules.checkout.promotions == "refuse":
            what = "promotions of the store apply to the till's prices as well: sales that they lower are held"
            yield Finding(
                "warning", what, 'Set checkout.promotions to "strip" or "allow", or leave the shop\'s channel out.'
            )
        methods = info.pickup_methods() if rules.pickup_method_id is not None else []
        if rules.pickup_method_id is not None and rules.pickup_method_id not in methods:
            known = ", ".join(map(str, methods)) or "none"
            yield Finding("error", f"pick-up method {rules.pickup_method_id} does not exist", f"There are: {known}.")
    except (StoreAccessDenied, StoreRejected) as error:
        yield Finding("warning", f"the settings of the checkout cannot all be read: {error.what}", "")


def _sample(app: App, store: StoreServices) -> DryCart:
    """Return what the store makes of one custom item of 100.00 at the shop's address."""
    rules = store.settings.rules
    currency = store.info.store().currency
    shop = CanonicalOrder(
        source="check",
        sale_id="1",
        placed_at=app.clock.now(),
        currency=currency,
        total_inc_tax=_SAMPLE,
        total_tax=Decimal(0),
    )
    billing, _ = billing_address(shop, rules.default_address)
    address = as_v3(billing)
    plan = CheckoutPlan(
        cart={
            "channel_id": rules.channel_id,
            "currency": {"code": currency},
            "custom_items": [{"name": "syncd check", "quantity": 1, "list_price": float(_SAMPLE)}],
        },
        billing={"email": "check@example.com", **address},
        delivery=None,
        shipping=None,
        discounts=None,
        coupons=(),
        fees=None,
        message={},
        total=_SAMPLE,
        tax=Decimal(0),
        lines=(),
    )
    return dry_cart(store.checkouts, plan)


def _as_the_store_prices(store: StoreServices, found: DryCart) -> Iterator[Finding]:
    checkout, included = found.checkout, store.pricing.includes_tax()
    tax, whole = checkout.tax_total or Decimal(0), checkout.grand_total or Decimal(0)
    net = whole - tax
    rate = (tax / net * 100).quantize(Decimal("0.01")) if net else Decimal(0)
    side = "with" if included else "without"
    yield Finding(
        "ok", f"carts can be made: 100.00 {side} tax at the shop's address comes to {whole}, tax {tax} ({rate} %)"
    )
    expected = _SAMPLE if included else _SAMPLE + tax
    if (checkout.discount or Decimal(0)) > 0:
        what = f"a promotion of the store takes {checkout.discount} of every cart of 100.00"
        yield Finding("warning", what, 'Set checkout.promotions to "strip" or "allow", or end the promotion.')
    elif whole != expected:
        what = f"a cart of 100.00 comes to {whole}: the store says that its prices are {side} tax, and works otherwise"
        yield Finding("error", what, 'Set workflow = "orders": totals would differ on every sale.')


def _as_the_till_does(app: App, store: StoreServices) -> Iterator[Finding]:
    """Compare the newest sales that would go by the checkout: a till that taxes otherwise differs on every one."""
    tried = differ = 0
    words = ""
    for sale in app.ledger.sales.find(Selection(store=store.name), limit=_RECENT):
        try:
            order = sale.order()
            matches = store.matcher.gather([order], may_create=False)[0]
        except (LedgerError, StoreError):
            continue
        rules = store.settings.rules
        plan = map_checkout(order, matches, rules, LIVE, includes_tax=store.pricing.includes_tax())
        if not isinstance(plan, CheckoutPlan):
            continue
        found = dry_cart(store.checkouts, plan)
        why = found.refused or difference(found.checkout, plan, rules.checkout, order.currency)
        tried, differ = tried + 1, differ + bool(why)
        words = words or (f"{order.sale_key}: {why}" if why else "")
        if tried == _TILLS:
            break
    if not tried:
        yield Finding(
            "ok", "no sale that would go by the checkout is recorded yet: compare one with syncd preview --dry-cart"
        )
    elif differ == tried:
        cure = 'Set workflow = "orders" for this store, or make the till and the store tax alike.'
        yield Finding("error", f"the till and the store differ on every sale that was tried ({tried}): {words}", cure)
    elif differ:
        yield Finding("warning", f"the till and the store differ on {differ} of {tried} sales: {words}", "")
    else:
        yield Finding("ok", f"the store makes of the newest {tried} sales what the till does, to the cent")
