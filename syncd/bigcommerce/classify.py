"""What an answer, or its absence, means: a pure function with one row for each kind of failure.

Sources: https://developer.bigcommerce.com/docs/start/best-practices/api-rate-limits (429 and its headers) and
https://developer.bigcommerce.com/docs/start/about/status-codes (error bodies of V2 and V3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from syncd.bigcommerce.outcome import (
    Accepted,
    Answered,
    Barred,
    NotSent,
    Outcome,
    Refused,
    Shortage,
    Throttled,
    Unknown,
)
from syncd.canonical.money import plain
from syncd.http.transport import HttpAnswer, HttpError

_MOST_WORDS = 500
_BARRED = (401, 403, 423)  # a matter of the whole store: the token, or a lock
_SUSPENDED = "store is suspended"
_SHORTEST_CUT = 16
_LONGEST_WAIT_S = 300.0
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def classify(
    seen: HttpAnswer | HttpError, *, external_order_id: str | None = None, order_id: int | None = None
) -> Outcome:
    """Return the outcome of a write. The answer to a create must echo ``external_order_id``, that to a change name ``order_id``."""
    return _without_success(seen) or _success(seen, external_order_id, order_id)


def classify_archive(seen: HttpAnswer | HttpError, order_id: int) -> Outcome:
    """Return the outcome of archiving an order: any 2xx counts, for the answer has no body."""
    return _without_success(seen) or Accepted(order_id)


def classify_refund(seen: HttpAnswer | HttpError, order_id: int) -> Outcome:
    """Return the outcome of a refund record: a 2xx counts if it names the order."""
    return _without_success(seen) or _refunded(seen, order_id)


def _refunded(seen: HttpAnswer | HttpError, order_id: int) -> Outcome:
    document = parse(seen.body) if isinstance(seen, HttpAnswer) else None
    data = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(data, Mapping) or data.get("order_id") != order_id:
        return Unknown(f"the API answered {seen.status} without a refund of order {order_id}")
    return Accepted(order_id)


def classify_cart(seen: HttpAnswer | HttpError) -> Outcome:
    """Return the outcome of making a cart: a 2xx counts if it names the cart."""
    return _without_success(seen) or _answered(seen, None)


def classify_checkout(seen: HttpAnswer | HttpError, cart_id: str) -> Outcome:
    """Return the outcome of a change of a checkout: a 2xx counts if it shows that checkout."""
    return _without_success(seen) or _answered(seen, cart_id)


def classify_conversion(seen: HttpAnswer | HttpError) -> Outcome:
    """Return the outcome of a conversion: a 2xx counts if it names the order."""
    if (other := _without_success(seen)) is not None:
        return other
    data = _data(seen)
    number = _number_of(data.get("id")) if data is not None else None
    return Accepted(number) if number else Unknown(f"the API answered {seen.status} without an order id")


def classify_deletion(seen: HttpAnswer | HttpError) -> Outcome:
    """Return the outcome of deleting a cart: one that is gone already (404) is deleted."""
    if isinstance(seen, HttpAnswer) and seen.status == 404:
        return Answered()
    return _without_success(seen) or Answered()


def _answered(seen: HttpAnswer | HttpError, cart_id: str | None) -> Outcome:
    data = _data(seen)
    number = data.get("id") if data is not None else None
    if data is None or not isinstance(number, str) or (cart_id is not None and number != cart_id):
        return Unknown(f"the API answered {seen.status} without the checkout that was asked for")
    return Answered(data)


def _data(seen: HttpAnswer | HttpError) -> Mapping[str, Any] | None:
    document = parse(seen.body) if isinstance(seen, HttpAnswer) else None
    data = document.get("data") if isinstance(document, Mapping) else None
    return data if isinstance(data, Mapping) else None


def _without_success(seen: HttpAnswer | HttpError) -> Outcome | None:
    """Return the outcome of anything but a 2xx; None for one."""
    if isinstance(seen, HttpError):
        return _broken(seen)
    status = seen.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Unknown(f"the API answered {status} and pointed elsewhere; not followed", misdirected=True)
    if status in _BARRED:
        return Barred(status, words(seen.body))
    if status == 429:
        return Throttled(reset_s(seen.headers))
    if status == 408 or status >= 500 or status < 200:
        said = words(seen.body)
        closed = status == 507 or (status == 503 and _SUSPENDED in said.lower())
        return Unknown(f"the API answered {status}: {said}", store_closed=closed)
    return Refused(status, words(seen.body), _shortages(seen.body))


_LIMITS = {"OutOfStock": "", "ExceedsMaxQuantity": "maximum_quantity", "InsufficientQuantity": "minimum_quantity"}


_OPTIONS_MISSING = (
    "MandatoryProductOptions"  # https://developer.bigcommerce.com/docs/rest-management/orders (errors of POST)
)


def _shortages(body: bytes) -> tuple[Shortage, ...]:
    """Return the products of ``details.errors`` whose quantity did not fit.

    Three shapes are in use: the level at the product's SKU, at the product (one without variants), and, since the release of
    backorders in 2026, a variant alone with ``available_quantity``
    (https://developer.bigcommerce.com/docs/store-operations/orders/backorders).
    """
    document = parse(body)
    errors: list[Any] = []
    for problem in document if isinstance(document, list) else ():
        details = problem.get("details") if isinstance(problem, Mapping) else None
        errors += (details.get("errors") or ()) if isinstance(details, Mapping) else ()
    blamed = [
        error for error in errors if isinstance(error, Mapping) and error.get("type") in (*_LIMITS, _OPTIONS_MISSING)
    ]
    found = map(_shortage, blamed)
    return tuple(one for one in found if one.product_id or one.variant_id or one.options)


def _shortage(error: Mapping[str, Any]) -> Shortage:
    product, kind = _mapping(error.get("product")), str(error["type"])
    wanted = error.get("required_product_options") or () if kind == _OPTIONS_MISSING else ()
    options = tuple(str(_mapping(one).get("display_name") or "an option") for one in wanted)
    levels = (
        _mapping(product.get("sku")).get("inventory_level"),
        product.get("inventory_level"),
        error.get("available_quantity"),
    )
    limit = (
        next((level for level in levels if level is not None), None)
        if kind == "OutOfStock"
        else error.get(_LIMITS.get(kind, ""))
    )
    return Shortage(
        _number_of(product.get("id")) or 0,
        str(product.get("name") or ""),
        kind,
        _number_of(limit),
        _number_of(error.get("variant_id")) or 0,
        options or (("an option",) if kind == _OPTIONS_MISSING else ()),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number_of(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _broken(error: HttpError) -> Outcome:
    return Unknown(error.why) if error.connected else NotSent(error.why, ours=error.ours, stale=error.ours)


def _success(answer: HttpAnswer | HttpError, external_order_id: str | None, order_id: int | None) -> Outcome:
    document = parse(answer.body) if isinstance(answer, HttpAnswer) else None
    if not isinstance(document, Mapping):
        return Unknown(f"the API answered {answer.status} with a body that cannot be read")
    number = document.get("id")
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        return Unknown(f"the API answered {answer.status} without an order id")
    if order_id is not None and number != order_id:
        return Unknown(f"the API answered {answer.status} with order {number}, not with order {order_id}")
    if external_order_id is not None and (echo := document.get("external_order_id")) != external_order_id:
        why = f"the API answered {answer.status} with order {number}, which is not the one that was sent"
        return Unknown(why, order_id=number, cut_at=cut_length(external_order_id, echo))
    currency, status = str(document.get("default_currency_code") or ""), document.get("status_id")
    totals = amount(document.get("total_inc_tax")), amount(document.get("total_tax"))
    return Accepted(number, *totals, currency, status if isinstance(status, int) else None, document)


def cut_length(key: str, echo: object) -> int | None:
    """Return the length at which ``key`` was cut to make ``echo``; None where ``echo`` is something else, or no key."""
    if isinstance(echo, str) and len(key) > len(echo) >= _SHORTEST_CUT and key.startswith(echo):
        return len(echo)
    return None


def parse(body: bytes) -> Any:  # noqa: ANN401  whatever JSON there is; None where there is none
    """Return the JSON of a body, numbers exact; None where it is not whole JSON."""
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def amount(value: object) -> Decimal | None:
    """Return an amount of an answer (text or number), None where there is none."""
    try:
        number = Decimal(str(value)) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        return None
    return plain(number) if number is not None and number.is_finite() else None


def words(body: bytes) -> str:
    """Return what an error body says, as one bounded line: V2's list, V3's title and fields, or the text itself."""
    document = parse(body)
    said = _said(document) if document is not None else body[: 4 * _MOST_WORDS].decode("utf-8", "replace")
    line = _CONTROL.sub(" ", said).strip()
    return line[:_MOST_WORDS] or "no words with it"


def _said(document: object) -> str:
    if isinstance(document, list):
        return "; ".join(_said(item) for item in document[:10])
    if not isinstance(document, Mapping):
        return str(document)
    parts = [str(document[key]) for key in ("message", "title", "detail") if document.get(key)]
    parts += [_fields(document[key]) for key in ("details", "errors") if document.get(key)]
    return ": ".join(parts)


def _fields(details: object) -> str:
    if isinstance(details, Mapping):
        return ", ".join(f"{field}: {_fields(text)}" for field, text in details.items())
    if isinstance(details, list):
        return ", ".join(_fields(item) for item in details)
    return str(details)


def reset_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the quota is whole again, by the longer of the headers that say so; None where none does."""
    waits = [_number(headers.get("X-Rate-Limit-Time-Reset-Ms"), 0.001)]
    waits += [_number(headers.get(name), 1.0) for name in ("X-Retry-After", "Retry-After")]
    said = [wait for wait in waits if wait is not None]
    return min(max(said), _LONGEST_WAIT_S) if said else None


def _number(text: str | None, scale: float) -> float | None:
    try:
        value = float(text) * scale if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None
