"""The checkout of a sale: how far the calls have come that make its order in several steps, and what each answer adds. Pure.

An order made in two steps by the Orders API (``create = "draft"``) has one as well, without a cart.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from syncd.canonical.money import parse_decimal, plain, round_to
from syncd.sale.states import State

CallKind = Literal[
    "cart",
    "billing",
    "delivery",
    "shipping",
    "discounts",
    "coupon",
    "fees",
    "message",
    "convert",
    "finish",
    "delete",
    "archive",
]


_FOUR = Decimal("0.0001")


class Ended(Struct, frozen=True, omit_defaults=True):
    """Why a checkout is given up. ``state`` and ``cure`` are for the sale; without a state it goes on, by the Orders API."""

    why: str
    state: State | None = None
    cure: str = ""


class Checkout(Struct, frozen=True, omit_defaults=True):
    """How far a checkout has come. Amounts are in major units of the sale's currency.

    ``fingerprint`` is the version of the sale that it is for, ``plan`` a digest of its calls, ``done`` names the calls that took
    effect. ``items`` are the lines to deliver, each with its quantity. ``order_id`` is the draft; ``live`` once that is the sale's
    order. ``more_drafts`` are others of the same cart, to be archived, ``archived`` those that were. ``unsure``: a call may have
    taken effect or not, so the checkout is read before the next. ``doubted``: a conversion was in doubt, so there may be more
    drafts. ``without`` names fields that the store does not take of a draft.
    """

    fingerprint: str
    plan: str = ""
    cart_id: str | None = None
    cart_deleted: bool = False
    done: tuple[str, ...] = ()
    items: tuple[tuple[str, int], ...] = ()
    all_items: bool = False  # whether custom items are delivered too: this store wants it
    consignment_id: str | None = None
    version: int | None = None
    grand_total: Decimal | None = None
    tax_total: Decimal | None = None
    discount: Decimal | None = None
    compared: bool = False
    order_id: int | None = None
    live: bool = False
    more_drafts: tuple[int, ...] = ()
    archived: tuple[int, ...] = ()
    unsure: bool = False
    doubted: bool = False
    without: tuple[str, ...] = ()
    ended: Ended | None = None

    @property
    def has_cart(self) -> bool:
        """Whether its cart is still there."""
        return self.cart_id is not None and not self.cart_deleted

    @property
    def has_draft(self) -> bool:
        """Whether it has a draft that is nobody's order yet."""
        return self.order_id is not None and not self.live

    @property
    def is_open(self) -> bool:
        """Whether anything of it is left in the store that must not stay."""
        return self.has_cart or self.has_draft or bool(self.more_drafts)

    def is_of(self, fingerprint: str) -> bool:
        """Whether it is for this version of the sale, and goes on."""
        return self.fingerprint == fingerprint and self.ended is None


def next_to(before: Checkout | None, fingerprint: str) -> Checkout:
    """Return a new checkout for a version; it remembers the drafts that were archived, and what this store wants delivered."""
    if before is None:
        return Checkout(fingerprint)
    return Checkout(fingerprint, all_items=before.all_items, archived=before.archived)


def advance(checkout: Checkout, call: CallKind, payload: Mapping[str, Any] | None, data: Mapping[str, Any]) -> Checkout:
    """Return the checkout after a call that took effect; ``data`` is what the store answered."""
    match call:
        case "delete":
            return replace(checkout, cart_deleted=True)
        case "cart":
            return replace(checkout, cart_id=str(data["id"]), done=("cart",), unsure=False)
        case _:
            code = f"coupon:{payload['coupon_code']}" if call == "coupon" and payload else call
            return read(replace(checkout, done=(*checkout.done, code), unsure=False), data)


def read(checkout: Checkout, data: Mapping[str, Any]) -> Checkout:
    """Return the checkout with what an answer shows of it."""
    version = data.get("version")
    consignments = [one for one in data.get("consignments") or () if isinstance(one, Mapping)]
    cart = data.get("cart")
    cart = cart if isinstance(cart, Mapping) else {}
    return replace(
        checkout,
        version=version if isinstance(version, int) else None,
        consignment_id=str(consignments[0]["id"]) if consignments else None,
        items=items_to_deliver(cart, custom_too=checkout.all_items) or checkout.items,
        grand_total=_amount(data.get("grand_total")),
        tax_total=_amount(data.get("tax_total")),
        discount=_amount(cart.get("discount_amount")),
    )


def _amount(value: object) -> Decimal | None:
    """Return an amount of an answer at four places, for a JSON number may carry the noise of a float; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        return plain(round_to(parse_decimal(value), _FOUR))
    except ValueError:
        return None


def items_to_deliver(cart: Mapping[str, Any], *, custom_too: bool) -> tuple[tuple[str, int], ...]:
    """Return the ids and quantities of a cart's lines that need a delivery."""
    lines = cart.get("line_items")
    lines = lines if isinstance(lines, Mapping) else {}
    kinds = ("physical_items", "custom_items") if custom_too else ("physical_items",)
    return tuple(
        (str(one["id"]), int(float(one["quantity"]))) for kind in kinds for one in lines.get(kind) or () if "id" in one
    )


def as_shown(checkout: Checkout, data: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any] | None]) -> Checkout:
    """Return the checkout as the store shows it after a lost answer: done is what is there. ``wanted`` are bodies by call."""
    shown = read(replace(checkout, unsure=False), data)
    done = ["cart"]
    billing = data.get("billing_address")
    if isinstance(billing, Mapping) and (body := wanted.get("billing")) and billing.get("email") == body.get("email"):
        done.append("billing")
    consignments = [one for one in data.get("consignments") or () if isinstance(one, Mapping)]
    if consignments:
        done.append("delivery")
        if consignments[0].get("selected_shipping_option"):
            done.append("shipping")
    if (body := wanted.get("message")) and data.get("customer_message") == body.get("customer_message"):
        done.append("message")
    if (body := wanted.get("fees")) and len(data.get("fees") or ()) >= len(body["fees"]):
        done.append("fees")
    coupons = [one for one in data.get("coupons") or () if isinstance(one, Mapping)]
    done += [f"coupon:{one.get('code')}" for one in coupons]
    return replace(shown, done=tuple(done))


def settled(checkout: Checkout, draft: int) -> Checkout:
    """Return the checkout after a draft was archived."""
    rest = tuple(one for one in checkout.more_drafts if one != draft)
    number = None if draft == checkout.order_id and not checkout.live else checkout.order_id
    return replace(checkout, order_id=number, more_drafts=rest, archived=(*checkout.archived, draft))
