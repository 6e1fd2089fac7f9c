"""What was seen on the wire after a write, as a closed union: the only thing that the pusher learns of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Accepted:
    """2xx, whole JSON, with an id (and, for a create, our ``external_order_id`` echoed): it took effect.

    ``answered`` is the order as BigCommerce answered it; empty where the answer shows none.
    """

    order_id: int
    total_inc_tax: Decimal | None = None
    total_tax: Decimal | None = None
    currency: str = ""
    status_id: int | None = None
    answered: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """2xx to a call that makes or changes a cart or a checkout: ``data`` is the cart or the checkout as it is now."""

    data: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


class Shortage(Struct, frozen=True):
    """A product that BigCommerce did not take so: out of stock, above its maximum, below its minimum, or without ``options``.

    ``limit`` is how many there are, or may or must be; None where the answer does not say. It may name a variant alone
    (``variant_id``): the product is 0 then.
    """

    product_id: int
    name: str
    kind: str
    limit: int | None = None
    variant_id: int = 0
    options: tuple[str, ...] = ()


class Refused(Struct, frozen=True):
    """400, 404, 409, 413, 422 and their like: BigCommerce said no, in ``words``; it did not take effect.

    ``shortages`` are the products that it blamed.
    """

    status: int
    words: str
    shortages: tuple[Shortage, ...] = ()


class Barred(Struct, frozen=True):
    """401, 403 or 423: the store refused our token, or is locked; no sale is to blame."""

    status: int
    words: str


class Throttled(Struct, frozen=True):
    """429: it did not take effect; ``reset_s`` until the window resets, None where no header said so."""

    reset_s: float | None


class NotSent(Struct, frozen=True):
    """The request never left: refused, no such host, connect time-out, TLS failure before the connection was up.

    ``ours`` where we kept it back ourselves (it had grown stale, syncd is stopping): that says nothing of the store.
    ``stale``: it had waited for longer than its intent lives.
    """

    why: str
    ours: bool = False
    stale: bool = False


class Unknown(Struct, frozen=True):
    """It may have taken effect. ``misdirected`` marks a 3xx: the URL or a proxy is wrong, and the store must pause.

    So it must where ``store_closed``: BigCommerce has suspended it, or it has reached a limit of its plan.

    ``order_id`` is an order that the answer named without our key, and ``cut_at`` the length at which it had cut that key.
    """

    why: str
    misdirected: bool = False
    store_closed: bool = False
    order_id: int | None = None
    cut_at: int | None = None


Outcome = Accepted | Answered | Refused | Barred | Throttled | NotSent | Unknown


class Reply(Struct, frozen=True):
    """An outcome with what a person needs to follow it up: HTTP status, request id, seconds it took."""

    outcome: Outcome
    status: int | None = None
    request_id: str | None = None
    elapsed_s: float = 0.0
