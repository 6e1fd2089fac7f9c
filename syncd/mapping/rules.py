"""The rules of a store that the mapper follows: what shops differ in, from ``[stores.<name>]`` in the config.

Most rules hold for the whole store; ``sources`` and ``locations`` say what one source or one shop does otherwise, and
``applied`` brings the three together for one sale: the location's word first, then the source's, then the store's.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import FeeKind, Fulfilment, SaleStatus
from syncd.canonical.money import ZERO, Money
from syncd.canonical.sale_key import LONGEST_KEY
from syncd.mapping.note import check_template

# https://developer.bigcommerce.com/docs/rest-management/orders/order-status: 10 Completed, 5 Cancelled, 4 Refunded,
# 14 Partially Refunded, 7 Awaiting Payment.
_STATUS = {
    SaleStatus.COMPLETED: 10,
    SaleStatus.OPEN: 7,
    SaleStatus.VOIDED: 5,
    SaleStatus.REFUNDED: 4,
    SaleStatus.PARTIALLY_REFUNDED: 14,
}
MIGRATED = "M-MIG"
"""The ``external_source`` that keeps history out of the store's billing (docs: migrate orders)."""

StatusId = Annotated[int, Field(ge=0, le=14)]
Statuses = dict[SaleStatus, StatusId]
ChannelId = Annotated[int, Field(ge=1)]
Stock = Literal["bigcommerce", "elsewhere"]
Workflow = Literal["orders", "checkout"]
Words = Annotated[str, Field(min_length=1, max_length=250)]
PickupMethodId = Annotated[int, Field(ge=1)]
# https://developer.bigcommerce.com/docs/rest-management/orders, "customer_locale": en, asa, en-US, es-419
Locale = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-([A-Z]{2}|\d{3}))?$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DefaultAddress(_Table):
    """The address that a walk-in's order carries: usually the shop's own."""

    first_name: Annotated[str, Field(min_length=1)] = "In-store"
    last_name: Annotated[str, Field(min_length=1)] = "Customer"
    company: str = ""
    street_1: Annotated[str, Field(min_length=1)]
    street_2: str = ""
    city: Annotated[str, Field(min_length=1)]
    state: str = ""
    zip: Annotated[str, Field(min_length=2)]
    country_iso2: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    phone: str = ""
    email: str = ""


class CheckoutRules(_Table):
    """``[stores.<name>.checkout]``: which sales go by the Management Checkout, and what happens where they cannot."""

    only: tuple[Fulfilment, ...] = (Fulfilment.SHIP, Fulfilment.PICKUP, Fulfilment.DIGITAL)
    otherwise: Literal["orders", "hold"] = "orders"
    on_difference: Literal["hold", "orders"] = "hold"
    tolerance: Annotated[Money, Field(ge=0, le=1)] = ZERO
    delivery: Literal["pickup", "custom", "offered"] = "pickup"
    promotions: Literal["refuse", "strip", "allow"] = "refuse"
    coupons: Literal["spread", "apply"] = "spread"
    gift_certificates: Literal["line", "issue"] = "line"


class LocationRules(_Table):
    """What one shop location does otherwise; keyed by the location's id or name in the POS."""

    channel_id: ChannelId | None = None
    default_address: DefaultAddress | None = None
    stock: Stock | None = None
    status: Statuses = Field(default_factory=dict)
    shipping_method: Words | None = None
    pickup_method_id: PickupMethodId | None = None
    workflow: Workflow | None = None


class SourceRules(_Table):
    """What one source does otherwise; keyed by the source's name in the config."""

    external_source: Words | None = None
    channel_id: ChannelId | None = None
    stock: Stock | None = None
    status: Statuses = Field(default_factory=dict)
    workflow: Workflow | None = None


class SkipRule(_Table):
    """Sales that are recorded and not pushed: those that meet every condition given. Text is compared without regard to case."""

    why: Words = "a rule of the config"
    source: str | None = None
    location: str | None = None
    register: str | None = None
    cashier: str | None = None
    tender: str | None = None
    sku: str | None = None
    note: str | None = None
    at_least: Money | None = None
    at_most: Money | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"why"}:
            raise ValueError("needs a condition, else it would skip every sale")
        return self


class Rules(_Table):
    """How sales become orders in one store."""

    channel_id: ChannelId = 1
    longest_key: Annotated[int, Field(ge=32, le=250)] = LONGEST_KEY
    default_address: DefaultAddress
    external_source: Words = "POS"
    status: Statuses = Field(default_factory=dict)
    shipping_method: Annotated[str, Field(min_length=1)] = "In store"
    pickup_method_id: PickupMethodId | None = None
    status_by_fulfilment: dict[Fulfilment, StatusId] = Field(default_factory=dict)
    customer_locale: Locale | None = None
    note_for: Literal["staff", "customer"] = "staff"
    gift_card_sku: Words | None = None
    tips: Literal["order", "note"] = "order"
    metafields: bool = False
    customer_group_id: Annotated[int, Field(ge=1)] | None = None
    unknown_sku: Literal["custom", "reject"] = "custom"
    short_product: Literal["custom", "hold"] = "custom"
    variants_by: Literal["variant_id", "product_options"] = "variant_id"
    stock: Stock = "bigcommerce"
    backfill_stock: Stock = "elsewhere"
    aliases: Path | None = None
    customers: Literal["match", "create", "guest"] = "match"
    fee_tax_class_id: Annotated[int, Field(ge=0)] | None = None
    show_discount: bool = False
    fees_as: dict[FeeKind, Literal["fee", "line"]] = Field(default_factory=dict)
    on_account: Literal["sale", "open"] = "sale"
    unlinked_return: Literal["hold", "negative_order", "note"] = "hold"
    link_returns: Literal["by_hand", "where_one_fits"] = "by_hand"
    tender_names: dict[str, Words] = Field(default_factory=dict)
    note_template: Annotated[str, AfterValidator(check_template)] | None = None
    skip: tuple[SkipRule, ...] = ()
    hook: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    void: Literal["cancel", "archive"] = "cancel"
    refunds: Literal["status", "record"] = "status"
    staff_changes: Literal["keep", "overwrite"] = "keep"
    twins: Literal["hold", "push"] = "hold"
    workflow: Workflow = "orders"
    create: Literal["direct", "draft"] = "direct"
    checkout: CheckoutRules = Field(default_factory=CheckoutRules)
    locations: dict[str, LocationRules] = Field(default_factory=dict)
    sources: dict[str, SourceRules] = Field(default_factory=dict)

    @property
    def uses_checkout(self) -> bool:
        """Whether any sale may go by the Management Checkout."""
        places = [place.workflow for place in self.locations.values()]
        sources = [source.workflow for source in self.sources.values()]
        return "checkout" in (self.workflow, *places, *sources)

    def under_keys(self, keys: Mapping[str, str]) -> Self:
        """Return the rules with those of a source under the name in its sale keys: ``keys``, by the source's name in the config."""
        sources = {keys.get(name, name): rules for name, rules in self.sources.items()}
        skip = tuple(
            rule if rule.source is None else rule.model_copy(update={"source": keys.get(rule.source, rule.source)})
            for rule in self.skip
        )
        return self.model_copy(update={"sources": sources, "skip": skip})


class Occasion(Struct, frozen=True):
    """How a sale came here: in a backfill, and whether as history that must not count for the store's billing."""

    backfill: bool = False
    history: bool = False


LIVE = Occasion()


class AppliedRules(Struct, frozen=True):
    """The rules that hold for one sale."""

    channel_id: int
    default_address: DefaultAddress
    stock: Stock
    external_source: str
    status: Mapping[SaleStatus, int]
    shipping_method: str
    pickup_method_id: int | None
    workflow: Workflow

    def status_id(self, status: SaleStatus) -> int:
        """Return the order status for a sale's."""
        return self.status[status]

    @property
    def label_statuses(self) -> frozenset[int]:
        """Every order status that syncd would set."""
        return frozenset(self.status.values())


_NO_PLACE, _NO_SOURCE = LocationRules(), SourceRules()


def applied(order: CanonicalOrder, rules: Rules, occasion: Occasion = LIVE) -> AppliedRules:
    """Return the rules for one sale: its location's (by id, else by name), else its source's, else the store's."""
    place, source = _location(order, rules), rules.sources.get(order.source) or _NO_SOURCE
    stock = place.stock or source.stock or rules.stock
    if occasion.backfill and rules.backfill_stock == "elsewhere":
        stock = "elsewhere"
    return AppliedRules(
        channel_id=place.channel_id or source.channel_id or rules.channel_id,
        default_address=place.default_address or rules.default_address,
        stock=stock,
        external_source=MIGRATED if occasion.history else source.external_source or rules.external_source,
        status={**_STATUS, **rules.status, **_by_fulfilment(order, rules), **source.status, **place.status},
        shipping_method=place.shipping_method or rules.shipping_method,
        pickup_method_id=place.pickup_method_id or rules.pickup_method_id,
        workflow=place.workflow or source.workflow or rules.workflow,
    )


def _by_fulfilment(order: CanonicalOrder, rules: Rules) -> Statuses:
    """Return the status of a completed sale whose goods are still to be sent or fetched; a location's or source's goes first."""
    status = rules.status_by_fulfilment.get(order.fulfilment)
    return {} if status is None else {SaleStatus.COMPLETED: status}


def _location(order: CanonicalOrder, rules: Rules) -> LocationRules:
    if order.location is None or not rules.locations:
        return _NO_PLACE
    return rules.locations.get(order.location.id) or rules.locations.get(order.location.name) or _NO_PLACE


def skipped_by(order: CanonicalOrder, rules: Rules) -> str | None:
    """Why a rule leaves this sale out; None where none does."""
    return next((rule.why for rule in rules.skip if _meets(order, rule)), None)


def _meets(order: CanonicalOrder, rule: SkipRule) -> bool:
    named = ((rule.location, order.location), (rule.register, order.register), (rule.cashier, order.cashier))
    checks = (
        rule.source is None or rule.source == order.source,
        all(
            wanted is None or (there is not None and _among(wanted, (there.id, there.name))) for wanted, there in named
        ),
        rule.tender is None or any(_among(rule.tender, (t.label, t.kind.value)) for t in order.tenders),
        rule.sku is None or any(_among(rule.sku, (line.sku or "",)) for line in order.lines),
        rule.note is None or rule.note.casefold() in order.note.casefold(),
        _between(order.total_inc_tax, rule.at_least, rule.at_most),
    )
    return all(checks)


def _between(amount: Decimal, least: Decimal | None, most: Decimal | None) -> bool:
    return (least is None or amount >= least) and (most is None or amount <= most)


def _among(wanted: str, there: tuple[str, ...]) -> bool:
    return wanted.strip().casefold() in {text.strip().casefold() for text in there}
