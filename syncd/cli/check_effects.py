"""What a pushed order sets off in the store beside itself: stock, mails, tax documents, what the plan counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from syncd.errors import StoreAccessDenied, StoreRejected
from syncd.mapping.rules import Rules
from syncd.sources import Finding
from syncd.stores import StoreServices

_SETTINGS_SCOPE = "Grant Information & settings: read-only to have it checked."
_MAILS = {
    "invoice_email": "the invoice",
    "combined_order_status_email": "a mail at each change of status",
    "gift_certificate_email": "gift certificates",
    "order_message_notification_email": "notices of messages",
}
_SUBMITTED = {
    "ON_PAYMENT_CAPTURE": "once it counts as paid",
    "ON_ORDER_CREATION": "when it is made",
}


def effects_of(store: StoreServices) -> Iterator[Finding]:
    """Everything of the kind that the store's settings tell.

    Raises:
        RemoteError: the store could not be asked.

    """
    info, rules = store.info, store.settings.rules
    stock, mails = (_readable(lambda name=name: info.settings(name)) for name in ("inventory", "email-statuses"))  # type: ignore[misc]  # a default that binds
    yield from side_effects(rules, stock, mails)
    yield from tax_documents(_readable(info.tax_settings))
    yield from order_mails(_readable(info.order_settings))
    if "bigcommerce" in _stocks(rules):
        yield from stock_locations(_readable(info.locations))
    yield from plan_counts(info.store().plan)


def _readable(read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Read a page of the store's settings; empty where the token may not, or the store has none: no reason not to push."""
    try:
        return read()
    except (StoreAccessDenied, StoreRejected):
        return {}


def tax_documents(settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether a tax provider files each order.

    Source: https://developer.bigcommerce.com/docs/rest-management/tax-settings
    """
    when = _SUBMITTED.get(str(settings.get("document_submission_strategy")))
    if settings.get("provider_id") in (None, "", "BasicTaxProvider") or when is None:
        return
    what = f"the store's tax provider gets a document for each order {when}: tax of in-store sales may be filed twice"
    cure = "Ask whoever files your taxes; turn document submission off, or leave the channel of the shops out of it."
    yield Finding("warning", what, cure)


def order_mails(settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Who gets a mail for each new order.

    Source: https://developer.bigcommerce.com/docs/rest-management/orders (order settings)
    """
    notifications = settings.get("notifications") or {}
    for name, words in (("order_placed", "a notice"), ("forward_invoice", "the invoice")):
        addresses = (notifications.get(name) or {}).get("email_addresses") or ()
        if addresses:
            what = f"{words} of each pushed order may go to {len(addresses)} addresses of the shop"
            yield Finding("warning", what, "Change that in BigCommerce (Settings, Orders) if it is too much.")


def stock_locations(settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Which stock a sale lowers.

    Source: https://developer.bigcommerce.com/docs/rest-management/inventory-locations
    """
    named = [
        str(one.get("label") or one.get("code")) for one in settings.get("locations") or () if one.get("enabled", True)
    ]
    if len(named) > 1:
        what = f"a pushed order lowers the stock of the default location alone, of {', '.join(named)}"
        yield Finding("warning", what, 'Where each location has a stock of its own: set stock = "elsewhere".')


def plan_counts(plan: str) -> Iterator[Finding]:
    """Yield what the store's plan counts."""
    name = f" ({plan})" if plan else ""
    what = f"pushed orders count towards what the store's plan{name} is billed by; history (M-MIG) does not"
    yield Finding("ok", what)


def side_effects(rules: Rules, stock: Mapping[str, object], mails: Mapping[str, object]) -> Iterator[Finding]:
    """Yield what a pushed order does to stock, and which mails go out, in words."""
    if "bigcommerce" not in _stocks(rules):
        yield Finding("ok", 'stock = "elsewhere": a pushed order moves no stock, for all of its lines are custom')
    elif not stock:
        yield Finding("warning", "what a pushed order does to stock cannot be read", _SETTINGS_SCOPE)
    else:
        moment = {
            "order_placed": "at once",
            "order_completed_or_shipped": "when its status is Completed or Shipped",
        }.get(str(stock.get("update_stock_behavior")), str(stock.get("update_stock_behavior")))
        later = (
            "and edits and refunds adjust it"
            if stock.get("edit_order_stock_adjustment")
            else "and edits leave it alone"
        )
        what = f"a pushed order's catalog lines lower BigCommerce's stock {moment}, {later}"
        cure = 'If the till or an app sets stock levels there as well, a sale counts twice: set stock = "elsewhere".'
        yield Finding("warning", what, cure)
    if not mails:
        yield Finding("warning", "which mails a pushed order sends cannot be read", _SETTINGS_SCOPE)
    elif sent := [words for name, words in _MAILS.items() if mails.get(name)]:
        what = f"a pushed order whose customer has an e-mail address may send: {', '.join(sent)}"
        yield Finding(
            "warning",
            what,
            "Turn these off in BigCommerce (Settings, Transactional emails) if your till already e-mails receipts.",
        )
    else:
        yield Finding("ok", "a pushed order sends no mail")


def _stocks(rules: Rules) -> set[str]:
    """Where stock is kept, by the store, its locations and its sources."""
    places = {rules.stock, *(place.stock for place in rules.locations.values() if place.stock)}
    return {*places, *(source.stock for source in rules.sources.values() if source.stock)}
