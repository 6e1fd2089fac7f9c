"""The store's orders: create, read, list, change, archive, and their sub-resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace  # noqa: TID251  as in control.py
from decimal import Decimal
from itertools import islice
from typing import Any

from syncd.sandbox.answers import Refusal, invalid, v2_error
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.clock import now_text, steady, wall
from syncd.sandbox.deliveries import changed_addresses, pickup_of
from syncd.sandbox.filters import Order, matches, sort_key, whole
from syncd.sandbox.lines import Shelves, changed_lines, check_line, price, require_option
from syncd.sandbox.rows import product_row, shipping_row
from syncd.sandbox.settings import Ways
from syncd.sandbox.stock import check_quantities, move, taken
from syncd.sandbox.totals import Pricing, all_shown, amount, check_pairs, places_of, totals, work_out
from syncd.sandbox.validate import (
    KNOWN,
    STATUSES,
    Allowed,
    check_address,
    check_fees,
    check_goods,
    check_head,
    digital,
)

FIRST_ID = 100
_PLAIN = {
    "customer_message": None,
    "staff_notes": None,
    "payment_method": "Manual",
    "external_source": None,
    "external_order_id": "",
    "external_merchant_id": None,
    "channel_id": 1,
    "customer_id": 0,
    "status_id": 1,
    "ip_address": "",
    "geoip_country": "",
    "geoip_country_iso2": "",
    "customer_locale": "en",
    "ebay_order_id": "0",
    "base_handling_cost": "0.0000",
    "base_shipping_cost": "0.0000",
    "base_wrapping_cost": "0.0000",
}
_FIXED = {
    "cart_id": None,
    "credit_card_type": None,
    "tax_provider_id": "",
    "coupon_discount": "0.0000",
    "currency_id": 1,
    "currency_exchange_rate": "1.0000000000",
    "date_shipped": "",
    "default_currency_id": 1,
    "external_id": None,
    "gift_certificate_amount": "0.0000",
    "handling_cost_tax_class_id": 0,
    "ip_address_v6": "",
    "is_email_opt_in": False,
    "items_shipped": 0,
    "order_source": "external",
    "payment_provider_id": None,
    "payment_status": "",
    "refunded_amount": "0.0000",
    "shipping_cost_tax_class_id": 0,
    "store_credit_amount": "0.0000",
    "store_default_to_transactional_exchange_rate": "1.0000000000",
    "wrapping_cost_tax_class_id": 0,
}
_SORTED_BY = ("id", "customer_id", "date_created", "date_modified", "status_id", "channel_id", "external_id")
_LISTS = ("coupons", "messages")


@dataclass(slots=True)
class StoredOrder:
    """An order as it is answered, and what its sub-resources hold."""

    order: Order
    lines: list[dict[str, Any]]
    fees: list[dict[str, Any]]
    shipping: list[dict[str, Any]]
    made_at: float = 0.0
    created_at: float = 0.0
    pickup: dict[str, Any] | None = None
    computed: dict[str, str] = field(default_factory=dict)
    shipments: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    metafields: list[dict[str, Any]] = field(default_factory=list)
    returned: dict[str, int] = field(default_factory=dict)
    is_draft: bool = False  # made by a checkout, and its status has not left 0 yet
    mails: int = 0  # confirmation mails that went out for it

    @property
    def refunded(self) -> Decimal:
        """What its refund records come to. The field ``refunded_amount`` is always 0, as the reference says."""
        return sum((Decimal(str(one["total_amount"])) for one in self.refunds), Decimal(0))


@dataclass(slots=True)
class Orders:
    """Every order of the store, by id."""

    base_url: str
    currency: str
    catalog: Catalog
    channels: Mapping[int, Any]
    kept: dict[int, StoredOrder] = field(default_factory=dict)
    by_key: dict[str, list[int]] = field(default_factory=dict)
    newest: int = FIRST_ID
    more_currencies: tuple[str, ...] = ()
    newest_refund: int = 0
    newest_metafield: int = 0
    ways: Ways = field(default_factory=Ways)
    has_customer: Callable[[int], bool] = lambda _: True
    changed: Callable[[StoredOrder], None] = lambda _: None

    @property
    def allowed(self) -> Allowed:
        """What an order may name."""
        currencies = (self.currency, *self.more_currencies)
        return Allowed(self.channels, currencies, self.has_customer, self._refuses_field)

    def _refuses_field(self, name: str) -> bool:
        return name == self.ways.refused_field or (self.ways.unknown_field == "refused" and name not in KNOWN)

    def shelves(self, body: Mapping[str, Any]) -> Shelves:
        """Return what the lines of an order in this currency are checked against and priced by."""
        pricing = Pricing(self.ways.tax_included, places_of(str(body.get("default_currency_code") or self.currency)))
        return Shelves(self.catalog, pricing, Decimal(str(self.ways.tax_rate)))

    def create(self, body: Mapping[str, Any]) -> StoredOrder:
        """POST: validate, price, keep.

        Raises:
            Refusal: with BigCommerce's words.

        """
        kept = self.draft(body)
        move(self.catalog, {}, taken(kept.lines))
        return self.add(kept)

    def add(self, kept: StoredOrder) -> StoredOrder:
        """Give a new order its id, and keep it."""
        self.newest += 1
        self._number(kept, self.newest)
        kept.made_at, kept.created_at = steady(), wall()
        self.keep(kept)
        return kept

    def draft(self, body: Mapping[str, Any], *, takes_stock: bool = True) -> StoredOrder:
        """Return an order that is valid but has no id yet; without ``takes_stock``, whatever stock there is."""
        check_head(body, self.allowed)
        self._check_ways(body)
        check_pairs(body)
        billing, shelves = check_address(body.get("billing_address"), "billing_address"), self.shelves(body)
        lines = [{"id": place, **check_line(line, shelves)} for place, line in enumerate(check_goods(body), start=1)]
        if takes_stock:
            check_quantities(lines, self.catalog, {}, self.ways.stock_refusal)
        fees = check_fees(body.get("fees"))
        lines = price(lines, amount(body, "discount_amount"), shelves.pricing)
        shipping = [
            {"id": place, **check_address(address, "shipping_addresses")}
            for place, address in enumerate(body.get("shipping_addresses") or (), start=1)
        ]
        worked_out = work_out(body, lines, fees, shelves.pricing)
        order: Order = {
            **_FIXED,
            **_PLAIN,
            **{name: body[name] for name in _PLAIN if body.get(name) is not None},
            **self._cut(body),
            **totals(body, worked_out),
            "billing_address": {"company": "", "street_2": "", "phone": "", "form_fields": [], **billing},
            "currency_code": body.get("default_currency_code") or self.currency,
            "default_currency_code": body.get("default_currency_code") or self.currency,
            "store_default_currency_code": self.currency,
            "date_created": body.get("date_created") or now_text(),
            "date_modified": now_text(),
            "items_total": sum(line["quantity"] for line in lines),
            "is_deleted": False,
            "is_tax_inclusive_pricing": shelves.pricing.includes_tax,
            "order_is_digital": digital(lines, body),
            "shipping_address_count": len(shipping) or (0 if digital(lines, body) or body.get("consignments") else 1),
            "fees": fees,
        }
        _label(order)
        return StoredOrder(order, lines, fees, shipping, pickup=pickup_of(body), computed=all_shown(worked_out))

    def _check_ways(self, body: Mapping[str, Any]) -> None:
        """Refuse what only some stores refuse of a new order."""
        if self.ways.own_currency == "refused" and body.get("default_currency_code") == self.currency:
            raise invalid("default_currency_code", "is only for stores with more than one currency")
        if self.ways.negative_line == "refused" and any(
            line.get("quantity", 1) < 0 for line in body.get("products") or ()
        ):
            raise Refusal(v2_error(400, "The field 'quantity' is invalid."))
        if self.ways.required_option:
            require_option(self.ways.required_option, body.get("products") or (), self.catalog)

    def _cut(self, body: Mapping[str, Any]) -> Order:
        """Our key, as much of it as this store keeps."""
        key, most = body.get("external_order_id"), self.ways.key_cut
        return {"external_order_id": str(key)[:most]} if key and most else {}

    def _number(self, kept: StoredOrder, number: int) -> None:
        kept.order["id"] = number
        for name in ("products", "shipping_addresses", "coupons"):
            path = f"/orders/{number}/{name}"
            kept.order[name] = {"url": f"{self.base_url}{path}", "resource": path}

    def keep(self, kept: StoredOrder) -> None:
        """Put an order that has its id into the store."""
        number = kept.order["id"]
        self.newest = max(self.newest, number)
        self.kept[number] = kept
        if key := kept.order["external_order_id"]:
            ids = self.by_key.setdefault(str(key), [])
            if number not in ids:
                ids.append(number)
        self.changed(kept)

    def get(self, number: int) -> StoredOrder:
        """One order; a Refusal where there is none."""
        kept = self.kept.get(number)
        if kept is None:
            raise Refusal(v2_error(404, "The requested resource was not found."))
        return kept

    def update(self, number: int, body: Mapping[str, Any]) -> StoredOrder:
        """PUT: what is sent replaces, the rest stays; a line with an id is changed, quantity 0 removes it, one without is new."""
        kept = self.get(number)
        check_head(body, self.allowed)
        check_pairs(body)
        if body.get("date_created") and self.ways.date_on_put == "refused":
            raise Refusal(v2_error(400, "The field 'date_created' cannot be changed."))
        order = kept.order | {name: body[name] for name in _PLAIN if name in body}
        if "billing_address" in body:
            order["billing_address"] = order["billing_address"] | check_address(
                body["billing_address"], "billing_address"
            )
        if body.get("date_created") and self.ways.date_on_put == "taken":
            order["date_created"] = body["date_created"]
        shipping = changed_addresses(kept.shipping, body.get("shipping_addresses") or ())
        fees = check_fees(body["fees"]) if "fees" in body else kept.fees
        goods = self._goods_of(kept, body)
        shelves, lines, worked_out = self.shelves(kept.order), kept.lines, kept.computed
        if goods is not None:
            lines = changed_lines(kept.lines, goods, shelves, self.ways.removed_line)
            check_quantities(lines, self.catalog, taken(kept.lines), self.ways.stock_refusal)
            move(self.catalog, taken(kept.lines), taken(lines))
        if goods is not None or _recounts(body, addresses=self.ways.address_put == "recounts"):
            before = {name: order[name] for name in ("shipping_cost_ex_tax", "shipping_cost_inc_tax")}
            cleared = {} if goods is not None else {"discount_amount": order["discount_amount"]}
            said = {**before, **cleared, **body}
            lines = price(lines, amount(said, "discount_amount"), shelves.pricing)
            now = work_out(said, lines, fees, shelves.pricing)
            order |= totals(said, now)
            worked_out = all_shown(now)
        order |= {"date_modified": now_text(), "fees": fees, "items_total": sum(line["quantity"] for line in lines)}
        before = kept.order["external_order_id"]
        if before and body.get("external_order_id") and body["external_order_id"] != before:
            self.by_key[str(kept.order["external_order_id"])].remove(number)
        _label(order)
        changed = replace(kept, order=order, lines=lines, fees=fees, shipping=shipping, computed=worked_out)
        if kept.is_draft and order["status_id"]:
            self._make_live(changed)
        self.keep(changed)
        return changed

    def _make_live(self, kept: StoredOrder) -> None:
        """Do what a store does once a draft becomes a sale: take the stock, or refuse; send the confirmation."""
        check_quantities(kept.lines, self.catalog, {}, self.ways.stock_refusal)
        move(self.catalog, {}, taken(kept.lines))
        kept.is_draft = False
        if self.ways.mail_at == "status":
            kept.mails += 1

    @staticmethod
    def _goods_of(kept: StoredOrder, body: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
        """Return the lines that a PUT changes, in ``products`` or in the pick-up that they belong to.

        None where it changes none.
        """
        if "consignments" not in body:
            return list(body["products"]) if "products" in body else None
        if "products" in body:
            raise Refusal(v2_error(400, "Only one of 'products' and 'consignments' may be supplied."))
        pickups: list[Mapping[str, Any]] = body["consignments"].get("pickups") or [{}]
        pickup = pickups[0]
        if kept.pickup is None or pickup.get("id") != kept.pickup["id"]:
            raise invalid("consignments.pickups.id", "does not belong to this order")
        return list(pickup.get("line_items") or ())

    def relabel(self, kept: StoredOrder, status_id: int) -> None:
        """Set the status that a refund or a shipment makes of its order's."""
        kept.order |= {"status_id": status_id, "date_modified": now_text()}
        _label(kept.order)

    def archive(self, number: int) -> None:
        """DELETE: an archived order stays readable."""
        kept = self.get(number)
        kept.order["is_deleted"] = True
        self.changed(kept)

    def archive_all(self, most: int) -> None:
        """DELETE /orders: the next ``most`` of them."""
        live = (number for number, kept in self.kept.items() if not kept.order["is_deleted"])
        for number in list(islice(live, most)):
            self.archive(number)

    def sub_resource(self, number: int, name: str) -> list[dict[str, Any]]:
        """Return the items of a sub-resource."""
        kept = self.get(number)
        if name == "products":
            return [product_row(kept.order, kept.returned, line) for line in kept.lines]
        if name == "shipping_addresses":
            return [shipping_row(kept.order, address) for address in kept.shipping]
        if name == "fees":
            return kept.fees
        if name == "shipments":
            return kept.shipments
        if name in _LISTS:
            return []
        raise Refusal(v2_error(404, "The requested resource was not found."))

    def consignments(self, number: int) -> dict[str, Any]:
        """How the goods reach the customer; line items as a link."""
        pickup, path = self.get(number).pickup, f"/orders/{number}/consignments/pickups/1/line_items"
        link = [{"url": f"{self.base_url}{path}", "resource": path}]
        pickups = [{**pickup, "line_items": link}] if pickup else []
        return {"pickups": pickups, "shipping": [], "downloads": [], "email": {"gift_certificates": []}}

    def find(self, wanted: Mapping[str, str]) -> Iterator[Order]:
        """Yield the orders that a list's filters choose, in its order, one by one: a page reads no further than it must."""
        key, _, direction = wanted.get("sort", "id:asc").partition(":")
        if key not in _SORTED_BY or direction not in ("", "asc", "desc"):
            raise invalid("sort", "is not a field to sort by")
        chosen: Sequence[int] = _span(self, wanted)
        if "external_order_id" in wanted:
            chosen = sorted(self._with_key(wanted["external_order_id"], chosen))
        if self.ways.list_order == "newest first":
            return self._fitting(reversed(chosen), wanted)
        if key == "id":
            return self._fitting(reversed(chosen) if direction == "desc" else iter(chosen), wanted)
        found = self._fitting(iter(chosen), wanted)
        return iter(sorted(found, key=lambda order: (sort_key(order, key), order["id"]), reverse=direction == "desc"))

    def _with_key(self, key: str, chosen: Sequence[int]) -> Iterable[int]:
        """Return the orders that the key filter lets through, as this store filters."""
        match self.ways.key_filter:
            case "ignored":
                return chosen
            case "refused":
                raise Refusal(v2_error(400, "The filter 'external_order_id' is not supported."))
            case "prefix":
                return [number for held, ids in self.by_key.items() if held.startswith(key) for number in ids]
            case "case_blind":
                return [number for held, ids in self.by_key.items() if held.lower() == key.lower() for number in ids]
            case _:
                return self.by_key.get(key, ())

    def _fitting(self, chosen: Iterator[int], wanted: Mapping[str, str]) -> Iterator[Order]:
        deleted = wanted.get("is_deleted", "false").lower() in ("true", "1")
        known_since = steady() - self.ways.index_lag_s
        for number in chosen:
            kept = self.kept.get(number)
            if kept is None or (self.ways.index_lag_s and kept.made_at > known_since):
                continue
            shown_here = kept.order["is_deleted"] is deleted or (self.ways.archived_listed and not deleted)
            if shown_here and matches(kept.order, wanted):
                yield kept.order


def _recounts(body: Mapping[str, Any], *, addresses: bool) -> bool:
    """Whether a PUT makes the store count the order anew, which leaves no override in place but those that come with it.

    Source: https://developer.bigcommerce.com/docs/store-operations/orders, "Calculating totals".
    """
    named = ("fees", "discount_amount", *(("billing_address", "shipping_addresses") if addresses else ()))
    return any(name in body for name in named) or any(name.endswith("_tax") for name in body)


def _span(orders: Orders, wanted: Mapping[str, str]) -> range:
    """Ids between ``min_id`` and ``max_id``: dense, so a range walks them without looking at the rest."""
    low = max(whole(wanted, "min_id", FIRST_ID + 1), FIRST_ID + 1)
    high = min(whole(wanted, "max_id", orders.newest), orders.newest)
    return range(low, high + 1)


def _label(order: Order) -> None:
    order["status"] = STATUSES[order["status_id"]]
