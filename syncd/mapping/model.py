"""What the mapper is given and what it returns: matches and the order as it is, a payload with its notes, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec import Struct, field
from pydantic import JsonValue

from syncd.canonical.money import ZERO

Payload = dict[str, JsonValue]
"""The JSON body of POST /v2/orders; amounts are text."""


class MappingNote(NamedTuple):
    """Why a part of the payload is as it is: ``about`` names the part ("line 2"), ``choice`` what was done, ``why`` the rule."""

    about: str
    choice: str
    why: str


class Mapped(Struct, frozen=True):
    """A payload and the decisions behind it, in the order in which they were made.

    ``said`` is the stamp of what the order says once the payload took effect (see ``stamp``); empty where nobody needs one.
    ``differs``: how the order will still differ from the sale, in words, for what cannot be changed or is a person's.
    ``first`` are the decisions that were made with the payload; ``rest`` makes those that follow, for whoever reads them: a preview
    does, and pushing does not.
    """

    payload: Payload
    first: tuple[MappingNote, ...]
    said: str = ""
    differs: tuple[str, ...] = ()
    rest: Callable[[], tuple[MappingNote, ...]] = tuple

    @property
    def decisions(self) -> tuple[MappingNote, ...]:
        """Every decision."""
        return (*self.first, *self.rest())


class Held(Struct, frozen=True):
    """No payload: a person must look; ``order_id`` names the order where there is one."""

    why: str
    cure: str
    order_id: int | None = None


class Unmappable(Struct, frozen=True):
    """No payload: a rule of the config says that such a sale is rejected."""

    why: str
    cure: str


class Nothing(Struct, frozen=True):
    """No payload, for the order already says what the sale says; ``differs`` in words where it does not and stays so.

    ``said`` is the stamp of what the order was found to say.
    """

    decisions: tuple[MappingNote, ...] = ()
    differs: tuple[str, ...] = ()
    said: str = ""


class Choice(Struct, frozen=True):
    """One value of a required modifier, as people read it."""

    id: int
    label: str
    default: bool = False


class RequiredModifier(Struct, frozen=True):
    """A modifier that every order line of a product must answer: by one of ``choices``, or by free text."""

    id: int
    name: str
    free_text: bool = False
    choices: tuple[Choice, ...] = ()


class CatalogMatch(Struct, frozen=True):
    """A catalog variant. ``options`` are (option id, value id) pairs; ``digital`` is the product's type."""

    product_id: int
    variant_id: int | None
    sku: str
    name: str = ""
    digital: bool = False
    options: tuple[tuple[int, int], ...] = ()
    required: tuple[RequiredModifier, ...] = ()


class Matches(Struct, frozen=True):
    """Catalog hits by SKU and by UPC (as the POS writes them, blanks stripped, upper case), and the customer's id.

    ``aliases`` are the codes of the POS (same form) that the shop's alias file renames; a hit of theirs lies under the new one.
    ``short`` are products that BigCommerce has just refused in this quantity, and why.
    """

    by_sku: Mapping[str, CatalogMatch] = field(default_factory=dict)
    by_upc: Mapping[str, CatalogMatch] = field(default_factory=dict)
    customer_id: int | None = None
    customer_found_by: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    short: Mapping[int, str] = field(default_factory=dict)


class RemoteLine(Struct, frozen=True):
    """A product line of the order; ``product_id`` 0 is a custom one. Prices are for one piece."""

    id: int
    product_id: int
    variant_id: int
    sku: str
    name: str
    quantity: int
    price_inc_tax: Decimal
    price_ex_tax: Decimal


class RemoteFee(Struct, frozen=True):
    """A custom fee of the order."""

    id: int
    name: str
    cost_inc_tax: Decimal
    cost_ex_tax: Decimal


class RemoteRefund(Struct, frozen=True):
    """A refund record: what was given back, and its reasons (its own and its items'), on one line."""

    amount: Decimal
    reasons: str

    def marker_of(self, beginning: str) -> str:
        """Return the marker in its reasons that begins so; empty where there is none."""
        _, found, rest = self.reasons.partition(beginning)
        return f"{found}{rest.partition(']')[0]}]" if found else ""


class Remote(Struct, frozen=True):
    """One order; ``fields`` is its body as answered.

    Lines, fees and ``shipping`` (its shipping address) are read only where an update may touch them; ``refunds`` are None where
    BigCommerce does not show them.
    """

    order_id: int
    status_id: int
    is_deleted: bool
    total_inc_tax: Decimal | None
    total_tax: Decimal | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[RemoteLine, ...] = ()
    fees: tuple[RemoteFee, ...] = ()
    pickup_id: int | None = None
    shipping: Mapping[str, Any] | None = None
    refunds: tuple[RemoteRefund, ...] | None = ()

    @property
    def refunded(self) -> Decimal:
        """What its refund records come to."""
        return sum((record.amount for record in self.refunds or ()), ZERO)
