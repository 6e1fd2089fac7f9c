"""Keep small what syncd last made an order say, so that a later update can tell syncd's own words from a person's.

A stamp holds digests only, no name and no address. Text is compared without regard to white space, amounts to two places, for
BigCommerce may store both in a form of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from zlib import crc32

from msgspec import Struct

from syncd.mapping.model import Payload, RemoteFee, RemoteLine

_MONEY = ("subtotal_inc_tax", "subtotal_ex_tax", "total_inc_tax", "total_ex_tax", "discount_amount")
_JSON = json.JSONEncoder(separators=(",", ":"))
_DELIVERY = ("shipping_cost_inc_tax", "shipping_cost_ex_tax")


class Stamp(Struct, frozen=True):
    """One payload's words: its status, its fields, its goods (lines, fees and amounts together), each of its lines, its fees.

    Of a line the first 8 digits name what it sells and for how much, the other 4 its text. ``totals`` are the sale's own, with and
    without tax; None where the payload states none.
    """

    status_id: int
    fields: Mapping[str, str]
    goods: str
    lines: tuple[str, ...]
    fees: str
    totals: tuple[Decimal, Decimal] | None = None

    def to_json(self) -> str:
        """As ``from_json`` reads it."""
        totals = None if self.totals is None else [format(amount, "f") for amount in self.totals]
        said = (self.status_id, self.fields, self.goods, self.lines, self.fees, totals)
        return _JSON.encode(said)

    @classmethod
    def from_json(cls, text: str) -> Stamp:
        """Return what ``to_json`` wrote."""
        status_id, fields, goods, lines, fees, *rest = json.loads(text)
        totals = (Decimal(rest[0][0]), Decimal(rest[0][1])) if rest and rest[0] else None
        # one digest for all lines, as earlier versions kept it, is no line's: every line then counts as staff's
        return cls(status_id, fields, goods, (lines,) if isinstance(lines, str) else tuple(lines), fees, totals)


class Ours(Struct, frozen=True):
    """What syncd has made, or may have made, an order say: the last known success, and every later try."""

    accepted: Stamp
    possible: tuple[Stamp, ...]

    @classmethod
    def of(cls, stamps: Sequence[Stamp]) -> Ours | None:
        """From the stamps since the last success, that one first; None where the order was not made by this ledger."""
        return cls(stamps[0], tuple(stamps)) if stamps else None

    @property
    def said_totals(self) -> tuple[Decimal, Decimal] | None:
        """The sale's own totals that the order was made to say, with and without tax; None where that is not certain."""
        totals = {said.totals for said in self.possible}
        return totals.pop() if len(totals) == 1 else None


def stamp(payload: Payload) -> Stamp:
    """Return the stamp of a new order's payload."""
    status = payload["status_id"]
    assert isinstance(status, int)  # noqa: S101  map_create wrote it
    lines, fees = payload_lines(payload), payload_fees(payload)
    signed = [(sign_wired_line(line), text_mark(line)) for line in lines]
    signs = sorted(sign for sign, _ in signed), sorted(_wired_fee(fee) for fee in fees)
    said = [str(payload.get(name)) for name in (*_MONEY, *_DELIVERY)]
    said += [f"{line.get('name')}\x1f{line.get('sku')}\x1f{line.get('product_options')}" for line in lines]
    total = payload.get("total_inc_tax"), payload.get("total_ex_tax")
    return Stamp(
        status_id=status,
        fields={name: mark(name, field_of(payload, name)) for name in FIELDS},
        goods=digest([*said, *signs[0], *signs[1]]),
        lines=tuple(sorted(sign + text for sign, text in signed)),
        fees=digest(signs[1]),
        totals=None if None in total else (Decimal(str(total[0])), Decimal(str(total[1]))),
    )


def payload_lines(payload: Payload) -> Sequence[Mapping[str, Any]]:
    """Return the product lines of a payload, wherever they stand in it."""
    products: Any = payload.get("products")
    if products is None:
        consignments: Any = payload.get("consignments") or {}
        products = [line for pickup in consignments.get("pickups", ()) for line in pickup["line_items"]]
    return list(products)


def payload_fees(payload: Payload) -> Sequence[Mapping[str, Any]]:
    """Return the fees of a payload."""
    fees: Any = payload.get("fees") or []
    return list(fees)


SIGN = 8
"""How many digits of a stamp's line say what it sells; the rest marks its text."""


def text_mark(line: Mapping[str, Any]) -> str:
    """4 hex digits for the text of a line: its name and what was chosen for it."""
    said = f"{' '.join(str(line.get('name')).split())}\x1f{line.get('product_options') or ''}"
    return format(crc32(said.encode("utf-8", "surrogatepass")) & 0xFFFF, "04x")


def sign_line(line: RemoteLine) -> str:
    """8 hex digits for what makes a line the line that it is: product, or SKU and name; quantity, both prices."""
    code = str(line.product_id or f"{line.sku.strip()}\x1e{' '.join(line.name.split())}")
    return _short(code, line.quantity, float(line.price_inc_tax), float(line.price_ex_tax))


def sign_wired_line(line: Mapping[str, Any]) -> str:
    """Return the digest of a line as it is sent."""
    own = f"{str(line.get('sku') or '').strip()}\x1e{' '.join(str(line.get('name')).split())}"
    return _short(str(line.get("product_id") or own), line["quantity"], line["price_inc_tax"], line["price_ex_tax"])


def _short(code: str, quantity: int, inc_tax: float, ex_tax: float) -> str:
    said = f"{code}\x1f{quantity}\x1f{inc_tax:.2f}\x1f{ex_tax:.2f}"
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def sign_fees(fees: Iterable[RemoteFee]) -> str:
    """Return a digest of the names and costs of fees, whatever their order."""
    return digest(sorted(_fee(fee.name, fee.cost_inc_tax, fee.cost_ex_tax) for fee in fees))


def _wired_fee(fee: Mapping[str, Any]) -> str:
    return _fee(str(fee["display_name_customer"]), fee["cost_inc_tax"], fee["cost_ex_tax"])


def _fee(name: str, inc_tax: str | Decimal, ex_tax: str | Decimal) -> str:
    return f"{name}\x1f{float(inc_tax):.2f}\x1f{float(ex_tax):.2f}"


class Way(StrEnum):
    """How a change of a field reaches an order."""

    PUT = "PUT of the order"
    RECOUNT = "PUT of the order, with all of its totals: the store counts anew"
    FIXED = "none: a remark on the sale"


WAYS: Mapping[str, Way] = {
    "billing_address": Way.RECOUNT,
    "channel_id": Way.PUT,
    "customer_id": Way.PUT,
    "customer_message": Way.PUT,
    "date_created": Way.PUT,
    "delivery": Way.FIXED,
    "payment_method": Way.PUT,
    "shipping_address": Way.RECOUNT,
    "staff_notes": Way.PUT,
}
"""Every field that is compared. ``external_source`` is not: it says how the order came, and never changes."""

FIELDS = tuple(WAYS)
_RECOUNTING = ("billing_address", "shipping_addresses", "products", "consignments", "fees")
_PLACE = (
    "first_name",
    "last_name",
    "company",
    "street_1",
    "street_2",
    "city",
    "state",
    "zip",
    "country_iso2",
    "phone",
    "email",
)


def recounts(body: Mapping[str, Any]) -> bool:
    """Whether a PUT of ``body`` makes the store count the order anew, so that both pairs of totals must go with it."""
    return any(name in body for name in _RECOUNTING) or any(name.startswith("shipping_cost") for name in body)


_ECHOED = ("channel_id", "customer_id", "date_created", "payment_method")


def not_taken(sent: Mapping[str, Any], answered: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of a request that the order does not show in the answer to it, in words."""
    return tuple(
        f"BigCommerce did not take {SHOWN[name]}"
        for name in _ECHOED
        if name in sent
        and name in answered
        and sent[name] != answered[name]  # most are the same to the letter, and need no mark
        and mark(name, sent[name]) != mark(name, answered[name])
    )


SHOWN = {
    "billing_address": "the billing address",
    "channel_id": "the channel",
    "customer_id": "the customer",
    "customer_message": "the note to the customer",
    "date_created": "the date",
    "payment_method": "the payment method",
    "shipping_address": "the shipping address",
    "staff_notes": "the staff note",
}
"""The fields as people call them."""


def field_of(payload: Payload, name: str) -> Any:  # noqa: ANN401  whatever JSON is there
    """Return what the payload of a new order says in a field."""
    if name == "shipping_address":
        addresses: Any = payload.get("shipping_addresses") or [None]
        return addresses[0]
    if name == "delivery":
        if payload.get("order_is_digital"):
            return "digital"
        return "pick-up" if "consignments" in payload else "shipping address"
    return payload.get(name)


def delivery_there(fields: Mapping[str, Any]) -> str:
    """How the goods of an order reach the customer, by the order as it was answered."""
    if fields.get("order_is_digital"):
        return "digital"
    return "shipping address" if fields.get("shipping_address_count") else "pick-up"


def mark(name: str, value: Any) -> str:  # noqa: ANN401  whatever JSON is there
    """Return a digest of one field, equal for a field as sent and as answered."""
    match name:
        case "billing_address":
            return _mark_of_place(_place(value))
        case "shipping_address":
            return (
                _mark_of_place(_place(value), str(value.get("shipping_method") or ""))
                if isinstance(value, Mapping)
                else ""
            )
        case "customer_id":
            return _mark_of_text(str(int(value or 0)))
        case "channel_id":
            return _mark_of_text(str(int(value or 1)))
        case "date_created":
            return digest([instant(str(value or ""))])
        case "staff_notes":
            return digest(str(value or "").split())  # no two sales have the same
        case _:
            return _mark_of_text(str(value or ""))


def _place(value: Any) -> tuple[str, ...]:  # noqa: ANN401  an address, or none
    place = value if isinstance(value, Mapping) else {}
    return tuple([str(place.get(part) or "") for part in _PLACE])


@lru_cache(maxsize=256)  # most sales are billed and delivered to the shop itself
def _mark_of_place(place: tuple[str, ...], method: str | None = None) -> str:
    return digest(map(_words, place if method is None else (*place, method)))


@lru_cache(maxsize=256)  # a channel, a way of paying: few, and on every order
def _mark_of_text(text: str) -> str:
    return digest(text.split())


def _words(value: object) -> str:
    return " ".join(str(value or "").split())


def instant(text: str) -> str:
    """Return the second of a date by RFC 2822; the text where it is none. Syncd's own form is read by its places: the fast path."""
    found = _OURS.fullmatch(text)
    if found is None:
        return instant_by_library(text)
    day, month, year, hour, minute, second = found.groups()
    try:
        at = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return text
    return str(int(at.timestamp()))


def instant_by_library(text: str) -> str:
    """Return the second of a date, in any form that RFC 2822 knows; the text where it is none."""
    try:
        return str(int(parsedate_to_datetime(text).timestamp()))
    except ValueError:
        return text


_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_OURS = re.compile(
    rf"[A-Z][a-z]{{2}}, ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ((?:19|20|21)[0-9]{{2}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) \+0000"
)


def digest(said: Iterable[str]) -> str:
    """16 hex digits."""
    return blake2b("\x1e".join(said).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
