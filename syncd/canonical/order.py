"""The canonical order: a POS sale in our own words, whatever POS it came from.

Frozen all the way down. Money is ``Decimal`` in major units of ``currency``; times are aware. JSON written by
``to_json`` is read back by ``from_json`` to an equal order. What a POS says beyond these fields is kept in ``extra``.

Signs: a sale's amounts are positive, a return's quantities and totals are negative; discounts carry the sign of what
they lower, so that ``lines + fees - discounts + rounding = total_inc_tax`` holds for both (see ``balance``).
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    SerializationInfo,
    model_validator,
)

from syncd.canonical.cards import mask_cards
from syncd.canonical.kinds import (
    FeeKind,
    Fulfilment,
    LineKind,
    OpenKind,
    RefundStatus,
    SaleStatus,
    TenderKind,
    TenderStatus,
)
from syncd.canonical.money import ZERO, Money, Quantity, minor

# "register" is the trade's word for a till; the name that it shadows is ABCMeta's, which no order ever calls.
warnings.filterwarnings("ignore", message='Field name "register" in', category=UserWarning)

_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

_SHORTEST_CARD = 13
_SUSPECT = re.compile(rf"{_UNSENDABLE.pattern}|\d(?:[ -]?\d){{12}}")  # one look at most texts, which hold neither


def _clean(text: str) -> str:
    return text if text.isprintable() else _UNSENDABLE.sub("", text)


def _without_cards(text: str) -> str:
    if len(text) < _SHORTEST_CARD and text.isprintable():
        return text
    return mask_cards(_clean(text)) if _SUSPECT.search(text) else text


def _moment(at: datetime, info: SerializationInfo) -> str:
    """Return the time with its own offset; in a fingerprint, the instant alone."""
    if info.context == "fingerprint":
        at = at.astimezone(UTC)
    return at.isoformat()


_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _within_reach(at: datetime) -> datetime:
    if _EARLIEST.year < at.year < _LATEST.year - 1:
        return at  # in every zone
    if not _EARLIEST.year - 1 <= at.year <= _LATEST.year or not _EARLIEST <= at < _LATEST:
        msg = f"{at.isoformat()} is no time that a sale can have"
        raise ValueError(msg)
    return at


def _exact(value: object) -> object:
    """Numbers with a fraction as the text that they were written in: no reader may make other numbers of them."""
    if isinstance(value, Mapping):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return str(value) if isinstance(value, float | Decimal) else value


def _freeze(value: JsonValue) -> object:
    if isinstance(value, dict):
        return MappingProxyType({_clean(key): _freeze(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    return _without_cards(value) if isinstance(value, str) else value


def _thaw(value: object) -> JsonValue:
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_thaw(item) for item in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


Text = Annotated[str, AfterValidator(_without_cards)]
"""Words: card numbers in them are masked."""
Code = Annotated[str, AfterValidator(_clean)]
"""What tells one thing from another: ids, article numbers, phone numbers, kept digit by digit."""
Moment = Annotated[
    AwareDatetime, AfterValidator(_within_reach), PlainSerializer(_moment, return_type=str, when_used="json")
]
"""A time that a sale may have: no arithmetic with it, in whatever zone, leaves the calendar."""
Extra = Annotated[dict[str, JsonValue], BeforeValidator(_exact), AfterValidator(_freeze), PlainSerializer(_thaw)]


class _Model(BaseModel):
    # Built when the first order is read: a command that reads none (status) need not wait for it.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=False, defer_build=True
    )


class Named(_Model):
    """A location, register or cashier: the POS's id for it and the name people know."""

    id: Code
    name: Text = ""

    @property
    def label(self) -> str:
        """The name, else the id."""
        return self.name or self.id


class Tax(_Model):
    """One tax: its amount in the order's currency, its rate in percent, and whether prices already include it."""

    name: Text = "Tax"
    rate: Money | None = None
    amount: Money
    included: bool = False


class Discount(_Model):
    """An order discount that the line totals do not show: what it takes off the total, and the tax within that."""

    name: Text = "Discount"
    code: Code | None = None
    amount_inc_tax: Money
    amount_ex_tax: Money


class Modifier(_Model):
    """A choice made for a line ("Oat milk"); its price, if any, is already in the line's totals."""

    name: Text
    amount: Money = ZERO


class LineDiscount(_Model):
    """A discount or promotion of one line, which its totals show already: what it took off the price as displayed."""

    name: Text
    code: Code | None = None
    amount: Money


class Origin(_Model):
    """Where goods that came back had been sold: the POS's own ids of sale and line, and why they came back."""

    sale_id: Code | None = None
    line_id: Code | None = None
    reason: Text = ""


class Line(_Model):
    """One line of the receipt. Totals are for the whole quantity, after line discounts.

    ``parent`` is the line of the combo or kit that it is a part of; ``gift_card`` the number of a card that was sold or charged.
    """

    line_id: Code
    kind: LineKind = LineKind.PRODUCT
    sku: Code | None = None
    upc: Code | None = None
    name: Text
    variant: Text | None = None
    quantity: Quantity = Decimal(1)
    unit: Text | None = None
    total_ex_tax: Money
    total_inc_tax: Money
    list_price: Money | None = None
    discount: Money = ZERO
    discounts: tuple[LineDiscount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    digital: bool = False
    serials: tuple[Code, ...] = ()
    gift_card: Code | None = None
    parent: Code | None = None
    origin: Origin | None = None
    note: Text = ""


class Fee(_Model):
    """A charge outside the lines: tip, service charge, bag, delivery."""

    kind: FeeKind
    name: Text
    total_ex_tax: Money
    total_inc_tax: Money
    taxes: tuple[Tax, ...] = ()


class Tender(_Model):
    """A payment: ``amount`` is what it settled, tip included, change and cash back taken out; negative where money went back."""

    id: Code | None = None
    at: Moment | None = None
    kind: TenderKind
    label: Text
    amount: Money
    tip: Money = ZERO
    tendered: Money | None = None
    change: Money = ZERO
    cash_back: Money = ZERO
    card_brand: Text | None = None
    card_last4: Annotated[str, Field(pattern=r"^\d{1,4}$")] | None = None
    status: TenderStatus = TenderStatus.CAPTURED


class RefundLine(_Model):
    """How much of one line came back; quantity and amount are positive."""

    line_id: Code
    quantity: Quantity
    amount_inc_tax: Money


class Refund(_Model):
    """Money given back for this sale, by line or by amount; amounts are positive.

    ``tip``, ``fees`` and ``shipping`` are the parts of the amount that were none of the goods; ``tenders`` how the money went back.
    ``tip_in_note`` went back as well, and is not in the amount: the sale's tips are in its note alone.
    """

    id: Code
    at: Moment | None = None
    status: RefundStatus = RefundStatus.COMPLETED
    amount_inc_tax: Money
    amount_tax: Money | None = None
    tip: Money = ZERO
    tip_in_note: Money = ZERO
    fees: Money = ZERO
    shipping: Money = ZERO
    tenders: tuple[Tender, ...] = ()
    lines: tuple[RefundLine, ...] = ()
    tender: Text | None = None
    reason: Text = ""


class Address(_Model):
    """A postal address with the person it belongs to; ``country`` is an ISO 3166-1 alpha-2 code or a name."""

    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    street_1: Text = ""
    street_2: Text = ""
    city: Text = ""
    state: Text = ""
    zip: Code = ""
    country: Text = ""
    phone: Code = ""
    email: Text = ""


class Customer(_Model):
    """Who bought, as far as the POS knows."""

    id: Code | None = None
    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    email: Text = ""
    phone: Code = ""


def read_json(text: str | bytes) -> Any:  # noqa: ANN401  whatever JSON is there
    """JSON with its numbers exact; one beyond all bounds (``1e9999999999999999999``) stays text, for a reader to refuse.

    Raises:
        ValueError: the text is not JSON.

    """
    return json.loads(text, parse_float=_number)


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


class CanonicalOrder(_Model):
    """One sale. ``source`` and ``sale_id`` make its sale key; everything else is what the sale says now.

    Amounts are in ``currency``, the customer's; where the shop keeps its books in another, ``shop_currency`` is that, and one unit
    of ``currency`` is ``exchange_rate`` of it. An open sale may say how much is still to be paid, and what has been paid ahead.
    ``returns_of`` is the key of the sale whose goods came back; ``exchanged_with`` that of an exchange's other half.
    ``tips_in_note`` were paid with the tenders, and are in no fee and no total: see ``canonical.tips``.
    """

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
    sale_id: Annotated[Code, Field(min_length=1, max_length=180)]
    number: Code | None = None
    version: Code | None = None
    status: SaleStatus = SaleStatus.COMPLETED
    open_kind: OpenKind | None = None
    balance_due: Money | None = None
    paid_ahead: Money = ZERO
    training: bool = False
    placed_at: Moment
    updated_at: Moment | None = None
    uploaded_at: Moment | None = None
    opened_at: Moment | None = None
    closed_at: Moment | None = None
    cancelled_at: Moment | None = None
    business_day: date | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    shop_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    exchange_rate: Money | None = None
    prices_include_tax: bool = False
    location: Named | None = None
    register: Named | None = None
    cashier: Named | None = None
    customer: Customer | None = None
    billing: Address | None = None
    shipping: Address | None = None
    fulfilment: Fulfilment = Fulfilment.IN_STORE
    shipping_method: Text | None = None
    lines: tuple[Line, ...] = ()
    discounts: tuple[Discount, ...] = ()
    fees: tuple[Fee, ...] = ()
    tenders: tuple[Tender, ...] = ()
    taxes: tuple[Tax, ...] = ()
    refunds: tuple[Refund, ...] = ()
    returns_of: Code | None = None
    exchanged_with: Code | None = None
    rounding: Money = ZERO
    tips_in_note: Money = ZERO
    note: Text = ""
    total_inc_tax: Money
    total_tax: Money
    extra: Extra = Field(default_factory=dict)

    @model_validator(mode="after")
    def _to_the_minor_unit(self) -> Self:
        """Check that what was paid and owed has the currency's places; a line may keep a share that only its sum shows."""
        for name in ("total_inc_tax", "total_tax"):
            amount = getattr(self, name)
            if (money := minor(amount, self.currency)) is not amount:
                object.__setattr__(self, name, money)  # frozen from here on
        tenders = [(tender, minor(tender.amount, self.currency)) for tender in self.tenders]
        if any(money is not tender.amount for tender, money in tenders):
            rounded = tuple(tender.model_copy(update={"amount": money}) for tender, money in tenders)
            object.__setattr__(self, "tenders", rounded)
        return self

    @property
    def refunded(self) -> tuple[Refund, ...]:
        """The refunds that count: money of theirs went back."""
        return tuple(refund for refund in self.refunds if refund.status is RefundStatus.COMPLETED)

    @property
    def day(self) -> date:
        """The till's own day: as it says, else that of the sale's time in the sale's own zone."""
        return self.business_day or self.placed_at.date()

    def day_of(self, refund: Refund) -> date:
        """Return the day on which a refund of the sale was made, in the sale's own zone; of one without a time, the sale's day."""
        return refund.at.astimezone(self.placed_at.tzinfo).date() if refund.at else self.day

    @property
    def refunded_on(self) -> date | None:
        """The last day on which money was given back for it."""
        return max((self.day_of(refund) for refund in self.refunded), default=None)

    @property
    def is_open(self) -> bool:
        """Whether the goods are still in the shop: open, and not on account."""
        return self.status is SaleStatus.OPEN and self.open_kind is not OpenKind.ON_ACCOUNT

    @property
    def sale_key(self) -> str:
        """``<source name>:<the POS's own stable id>``: unique for ever, and BigCommerce's ``external_order_id``."""
        return f"{self.source}:{self.sale_id}"

    def __hash__(self) -> int:
        """By sale key: ``extra`` holds mappings, which have no hash."""
        return hash(self.sale_key)

    def to_json(self) -> str:
        """One line of JSON, amounts as text, times with their offset, defaults left out."""
        return self.model_dump_json(exclude_defaults=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the order that ``to_json`` wrote; JSON numbers are read exactly, without passing through a float.

        Raises:
            pydantic.ValidationError: the JSON is not a canonical order.
            ValueError: the text is not JSON.

        """
        return cls.model_validate(read_json(text))
