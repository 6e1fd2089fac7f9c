"""The questions, one function each: what it makes in a trial store, and how it reads the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from typing import Any

from msgspec.structs import replace

from syncd.bigcommerce.classify import parse, words
from syncd.canonical.sale_key import LONGEST_KEY
from syncd.errors import StoreRejected, StoreUnavailable
from syncd.http.transport import HttpAnswer, HttpError, HttpTransport
from syncd.ledger import Ledger
from syncd.probe.answers import ProbeAnswer, keep
from syncd.probe.trial import ADDRESS, Trial, line

_WAITS_S = (0.0, 1.0, 4.0, 25.0)  # looks at 0, 1, 5 and 30 seconds
_LENGTHS = (250, 128, 64, 50, 32)
_TOO_MANY = 999_999
_MOST_CALLS = 200
_RATE_HEADERS = ("x-rate-limit-time-reset-ms", "x-rate-limit-requests-left", "x-retry-after", "retry-after")

Found = tuple[str, str] | tuple[str, str, Mapping[str, float]]


def probe(trial: Trial, ledger: Ledger, wire: HttpTransport) -> Generator[ProbeAnswer]:
    """Ask one question after the other and keep each answer; every order that was made is archived, whatever happens.

    Raises:
        RemoteError: the store could not be asked; its answers so far are kept.

    """
    try:
        trial.take_over()
        for question, ask in _ASK.items():
            yield _kept(trial, ledger, question, ask(trial))
    finally:
        trial.clean_up()
    yield _kept(trial, ledger, "rate limit", rate_limit(wire))  # last: nothing is taken for a while after it


def _kept(trial: Trial, ledger: Ledger, question: str, found: Found) -> ProbeAnswer:
    answer = replace(ProbeAnswer(question, *found), store=trial.store, at=trial.clock.now())
    keep(ledger, answer)
    return answer


def key_length(trial: Trial) -> Found:
    """POST keys of several lengths, and read each order back."""
    for length in _LENGTHS:
        made, _ = trial.post(trial.key().ljust(length, "x"))
        if made is None:
            continue
        echo = len(trial.shown(int(made["id"])).external_order_id)
        if echo == _LENGTHS[0]:
            return f"{echo} or more", "longest_key may be up to 250"
        if echo >= LONGEST_KEY:
            return str(echo), f"longest_key may be up to {echo}", {"key_length": echo}
        return str(echo), f"longer keys are sent in a short form of {echo}", {"key_length": echo}
    return "none", "sales cannot be told apart there: ask BigCommerce", {"key_length": 1}


def list_delay(trial: Trial) -> Found:
    """Look for a new order in lists until it is there."""
    number, waited = trial.number(), 0.0
    for seconds in _WAITS_S:
        trial.wait(seconds)
        waited += seconds
        if number in trial.listed(min_id=number):
            trial.waited_s = waited
            means = "syncd looks twice, settle apart" if not waited else f"settle is {2 * waited:g} s at least"
            return f"{waited:g} s", means, {"delay_s": waited}
    trial.waited_s = waited
    return f"more than {waited:g} s", f"settle is {4 * waited:g} s at least", {"delay_s": 2 * waited}


def key_filter(trial: Trial) -> Found:
    """Ask by the key of one order among three: another's begins with it, one has nothing to do with it."""
    key, lists = trial.key(), "orders in doubt are looked for in the list of all orders"
    not_trusted = {"filter_trusted": 0}
    first, longer, other = trial.number(key), trial.number(f"{key}-more"), trial.number()
    trial.wait(trial.waited_s)
    try:
        rows, upper = (trial.listed(external_order_id=one, min_id=first) for one in (key, key.upper()))
    except StoreRejected as error:
        return "refused", f"{lists}: {error.what}", not_trusted
    if first not in rows:
        return "nothing", lists, not_trusted
    if other in rows:
        return "ignored", lists, not_trusted
    if longer in rows:
        return "prefix", "every row's key is compared, as always"
    return ("case_blind" if first in upper else "exact"), "every row's key is compared, as always"


def list_order(trial: Trial) -> Found:
    """List this probe's own orders with the lowest id first, and count how many come in a page."""
    first = trial.made[0]
    while len(trial.made) < 6:
        trial.number()
    trial.wait(trial.waited_s)
    rows = trial.listed(min_id=first, sort="id:asc", limit=250)
    order = "as asked" if rows == sorted(rows) else "newest first"
    if len(set(rows) & set(trial.made)) < len(trial.made):
        return f"{order}, {len(rows)} a page", "syncd reads on until a page is empty"
    return order, "syncd checks the order of each page, as always"


def long_page(trial: Trial) -> Found:
    """Ask for a page of 251."""
    try:
        trial.listed(limit=251)
    except StoreRejected as error:
        return "refused", f"syncd asks for 250 at most ({error.what})"
    return "cut", "syncd asks for 250 at most"


def own_currency(trial: Trial) -> Found:
    """POST an order that names the store's own currency."""
    own = str(trial.api.get("/v2/store").get("currency") or "USD")
    made, answer = trial.post(trial.key(), default_currency_code=own)
    return ("taken", "it is left out all the same") if made else ("refused", f"it is left out: {words(answer.body)}")


def unknown_field(trial: Trial) -> Found:
    """POST an order with a field that no order has."""
    made, answer = trial.post(trial.key(), syncd_probe="x")
    if made:
        return "ignored", "nothing follows"
    return "refused", f"a field that a store does not take pauses it: {words(answer.body)}"


def date(trial: Trial) -> Found:
    """Move an order to another day."""
    number = trial.number()
    trial.put(number, date_created="Fri, 20 Nov 2026 16:15:00 +0000")
    if "20 Nov 2026 16:15" in trial.shown(number).date_created:
        return "taken", "a corrected time reaches the order"
    return "ignored", "a corrected time is told in the note alone"


def time_zone(trial: Trial) -> Found:
    """POST a date of another offset."""
    shown = trial.shown(trial.number(date_created="Fri, 20 Nov 2026 16:15:00 +0200")).date_created
    if "14:15:00" in shown or "16:15:00 +0200" in shown:
        return "the same instant", "dates are sent in UTC all the same"
    return f"shifted: {shown}", "dates are sent in UTC, and read back as they were sent"


def totals(trial: Trial) -> Found:
    """Give totals that the lines do not add up to, and then PUT an address alone."""
    sums = {f"{name}_{side}_tax": "10.00" for name in ("subtotal", "total") for side in ("inc", "ex")}
    number = trial.number(products=[line(trial.store, 3.3333, 3.3333, 2)], **sums)
    answer = trial.put(number, billing_address=ADDRESS | {"city": "Dallas"})
    if answer.status >= 400:
        return "refused", f"a corrected address does not reach the order: {words(answer.body)}"
    total = trial.shown(number).total_inc_tax
    if total == 10:
        return "kept", "both pairs go with such a change all the same"
    return f"recounted ({total})", "both pairs go with every such change"


def removed_line(trial: Trial) -> Found:
    """Set one of two lines to quantity 0."""
    number = trial.number(products=[line("probe one", 5.4, 5.0), line("probe two", 5.4, 5.0)])
    (first, *_) = trial.orders.sub_resource(number, "products")
    gone = {"id": first["id"], "name": str(first["name"]), "quantity": 0, "price_inc_tax": 5.4, "price_ex_tax": 5.0}
    answer = trial.put(number, products=[gone])
    if answer.status >= 400:
        return "refused", f"goods that a till takes away need a person: {words(answer.body)}"
    left = any(one["id"] == first["id"] for one in trial.orders.sub_resource(number, "products"))
    return ("zero_row", "such rows are passed over") if left else ("gone", "nothing follows")


def negative_line(trial: Trial) -> Found:
    """POST an order that has goods, and one piece that comes back."""
    made, answer = trial.post(trial.key(), products=[line("sold", 10.8, 10.0), line("back", 5.4, 5.0, -1)])
    if made:
        return "taken", 'unlinked_return = "negative_order" can be used'
    return "refused", f'do not set unlinked_return = "negative_order": {words(answer.body)}'


def refund_ways(trial: Trial) -> Found:
    """Ask in which ways 1.00 of an order that was paid in cash could be given back."""
    named = [" + ".join(f"{one.get('provider_id')}{_offline(one)}" for one in way) for way in _ways(trial)[1]]
    if not named:
        return "none", 'refunds = "record" cannot be used: set refunds = "status"'
    return ", ".join(named), "custom goes first, then another offline one; never store credit or a gift certificate"


def refund_record(trial: Trial) -> Found:
    """Record a refund of 1.00 by an offline way, and read the order."""
    number, ways = _ways(trial)
    single = [way[0] for way in ways if len(way) == 1 and "credit" not in str(way[0].get("provider_id"))]
    chosen = next((way for way in single if way.get("provider_id") == "custom" or way.get("offline")), None)
    if chosen is None:
        return "not asked", "no way moves no money"
    body = {
        "items": [{"item_type": "ORDER", "item_id": number, "amount": 1, "reason": "syncd stores probe"}],
        "payments": [{"provider_id": chosen["provider_id"], "amount": 1, "offline": True}],
        "merchant_calculated_override": {"total_amount": 1, "total_tax": 0},
    }
    answer = trial.send("POST", f"/v3/orders/{number}/payment_actions/refunds", body)
    if answer.status >= 400:
        return "refused", f'set refunds = "status": {words(answer.body)}'
    shown = trial.shown(number)
    return f"status {shown.status_id}", "the order's status follows its refunds by itself"


def _ways(trial: Trial) -> tuple[int, list[list[Mapping[str, Any]]]]:
    number = trial.number()
    items = [{"item_type": "ORDER", "item_id": number, "amount": 1}]
    return number, [list(way) for way in trial.orders.refund_quote(number, items)]


def _offline(way: Mapping[str, Any]) -> str:
    return " (offline)" if way.get("offline") else ""


def refund_list(trial: Trial) -> Found:
    """List the refunds of all orders."""
    try:
        trial.api.get("/v3/orders/payment_actions/refunds", {"limit": 1})
    except StoreRejected:
        return "missing", "the audit reads the refunds of each order by itself"
    return "listed", "the audit reads it"


def archived_order(trial: Trial) -> Found:
    """Archive an order, and ask for it."""
    number = trial.number()
    trial.send("DELETE", f"/v2/orders/{number}")
    status = trial.send("GET", f"/v2/orders/{number}").status
    trial.wait(trial.waited_s)
    listed = "listed" if number in trial.listed(min_id=number) else "not listed"
    return f"{status}, {listed}", "lists are asked twice, for archived orders and for the others"


def stock(trial: Trial) -> Found:
    """Order far too many of a product that counts its stock, and of one whose variants do."""
    products = trial.api.get(
        "/v3/catalog/products", {"limit": 250, "include_fields": "inventory_tracking,inventory_level"}
    )
    shapes = {}
    for product in products.get("data") or () if isinstance(products, Mapping) else ():
        tracking = str(product.get("inventory_tracking") or "none")
        if tracking != "none" and tracking not in shapes:
            shapes[tracking] = _shape_of_refusal(trial, int(product["id"]))
    if not shapes:
        return "not asked", "no product there counts its stock: give one a stock, and ask again"
    named = "; ".join(f"{shape} (stock of the {tracking})" for tracking, shape in shapes.items())
    return named, "every known form is understood" if "taken" not in named else "too many may be sold without a word"


def _shape_of_refusal(trial: Trial, product: int) -> str:
    variants = trial.api.get("/v3/catalog/variants", {"product_id": product, "limit": 1}).get("data") or [{}]
    wanted = {**line("syncd probe", 1.0, 1.0, _TOO_MANY), "product_id": product, "variant_id": variants[0].get("id")}
    made, answer = trial.post(trial.key(), products=[{k: v for k, v in wanted.items() if v is not None}])
    return "taken" if made else shape(parse(answer.body))


def shape(refusal: Any) -> str:  # noqa: ANN401  whatever JSON is there
    """Where a refusal names how much there is: at the ``sku``, the ``product``, the ``variant``, or in words of its own. Pure."""
    text = json.dumps(refusal)
    if "available_quantity" in text:
        return "variant"
    rows = [one for one in refusal if isinstance(one, Mapping)] if isinstance(refusal, list) else []
    errors = [error for one in rows for error in (one.get("details") or {}).get("errors") or ()]
    products = [error.get("product") or {} for error in errors if isinstance(error, Mapping)]
    if any("inventory_level" in (one.get("sku") or {}) for one in products):
        return "sku"
    return "product" if any("inventory_level" in one for one in products) else f"in words: {text[:200]}"


def rate_limit(wire: HttpTransport) -> Found:
    """Ask for the time, unpaced, until the store has had enough."""
    for number in range(1, _MOST_CALLS + 1):
        try:
            answer = wire.send("GET", "/v2/time", None, None)
        except HttpError as broken:
            raise StoreUnavailable(f"the store gave no answer to GET /v2/time: {broken.why}") from None
        if answer.status == 429:
            return f"after {number - 1} calls: {_headers(answer)}", "syncd paces itself by the headers of every answer"
    return f"not within {_MOST_CALLS} calls", "nothing follows"


def _headers(answer: HttpAnswer) -> str:
    there = [name for name in _RATE_HEADERS if name in {one.lower() for one in answer.headers}]
    return ", ".join(there) if there else "no header says how long to wait"


_ASK: Mapping[str, Callable[[Trial], Found]] = {
    "key length": key_length,
    "list delay": list_delay,
    "key filter": key_filter,
    "list order": list_order,
    "long page": long_page,
    "own currency": own_currency,
    "unknown field": unknown_field,
    "date": date,
    "time zone": time_zone,
    "totals": totals,
    "removed line": removed_line,
    "negative line": negative_line,
    "refund ways": refund_ways,
    "refund record": refund_record,
    "refund list": refund_list,
    "archived order": archived_order,
    "stock": stock,
}
