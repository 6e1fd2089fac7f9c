"""Square's webhooks: which orders an event is about.

Payments and refunds tell of till sales; ``order.*`` events only of orders that an API made.

Source: https://developer.squareup.com/docs/webhooks/step3validate
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from syncd.sources.capabilities import Delivery, Received
from syncd.sources.errors import Forged
from syncd.sources.square.settings import SquareWebhook

_HEADER = "x-square-hmacsha256-signature"


def heard(delivery: Delivery, settings: SquareWebhook | None) -> Received:
    """Return the orders of an event whose signature is right.

    Raises:
        Forged: it is not, or no webhook is configured.
        ValueError: the body is no event.

    """
    if settings is None:
        raise Forged("this source has no webhook in its config", "Add [sources.<name>.webhook].")
    key = settings.signature_key.get_secret_value().encode()
    wanted = base64.b64encode(hmac.new(key, settings.url.encode() + delivery.body, hashlib.sha256).digest())
    if not hmac.compare_digest(wanted, delivery.headers.get(_HEADER, "").encode()):
        raise Forged(f"the signature ({_HEADER}) is not that of Square's key over {settings.url} and the body")
    event = json.loads(delivery.body)
    inside = event.get("data", {}).get("object", {}) if isinstance(event, Mapping) else None
    if not isinstance(inside, Mapping):
        msg = "the body is no event of Square's"
        raise ValueError(msg)
    orders = tuple(_orders(inside))
    return Received(sales=orders, poll=not orders)


def _orders(inside: Mapping[str, Any]) -> list[str]:
    found = [about.get("order_id") for about in inside.values() if isinstance(about, Mapping)]
    return [number for number in found if isinstance(number, str) and 0 < len(number) <= 192]
