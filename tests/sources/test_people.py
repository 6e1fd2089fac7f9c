"""Customers' addresses, as each POS keeps them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.sources.clover.reading import CloverReferenceData
from syncd.sources.clover.reading import read_order as read_clover
from syncd.sources.lightspeed_x.reading import LightspeedOutlet, LightspeedReferenceData, read_sale
from syncd.sources.lightspeed_x.source import _customer as lightspeed_customer
from syncd.sources.loyverse.reading import LoyverseReferenceData, read_receipt
from syncd.sources.loyverse.reading import customer_of as loyverse_customer
from syncd.sources.odoo.reading import OdooReferenceData
from syncd.sources.odoo.reading import read_order as read_odoo
from syncd.sources.records import ParsedSale, ParseResult

AT = "2026-11-20T16:15:00Z"
Street = str


def order(read: ParseResult) -> CanonicalOrder:
    assert isinstance(read, ParsedSale)
    return read.order


def of_loyverse(street: Street) -> CanonicalOrder:
    row = {"name": "Ann Lee", "email": "ann@example.com", "address": street, "city": "Austin", "region": "TX"}
    about = loyverse_customer(row | {"postal_code": "78701", "country_code": "US"})
    line = {"item_name": "Mug", "total_money": Decimal(10), "quantity": 1}
    receipt = {"receipt_number": "1", "receipt_type": "SALE", "receipt_date": AT, "total_money": Decimal(10)}
    receipt |= {"line_items": [line], "customer_id": "c1"}
    return order(read_receipt(receipt, LoyverseReferenceData("USD", customers={"c1": about}), "till"))


def of_lightspeed(street: Street) -> CanonicalOrder:
    row = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "physical_address_1": street}
    row |= {
        "physical_city": "Austin",
        "physical_state": "TX",
        "physical_postcode": "78701",
        "physical_country_id": "US",
    }
    around = LightspeedReferenceData(
        {"O": LightspeedOutlet("Main", UTC, "USD")}, customers={"c1": lightspeed_customer(row)}
    )
    sale = {
        "id": "s",
        "outlet_id": "O",
        "status": "CLOSED",
        "sale_date": AT,
        "customer_id": "c1",
        "total_price_incl": 0,
    }
    return order(read_sale(sale, around, "till", None, ()))


def of_clover(street: Street) -> CanonicalOrder:
    home = {"address1": street, "city": "Austin", "state": "TX", "zip": "78701", "country": "US"}
    who = {
        "id": "c1",
        "firstName": "Ann",
        "lastName": "Lee",
        "emailAddresses": {"elements": [{"emailAddress": "ann@example.com"}]},
    }
    document = {
        "id": "s",
        "currency": "USD",
        "createdTime": 1_764_000_000_000,
        "lineItems": {"elements": [{"id": "l", "name": "Mug", "price": 1000}]},
        "customers": {"elements": [who | {"addresses": {"elements": [home]}}]},
    }
    return order(read_clover(document, CloverReferenceData("M"), "till", ()))


def of_odoo(street: Street) -> CanonicalOrder:
    partner: dict[str, Any] = {
        "name": "Ann Lee",
        "email": "ann@example.com",
        "street": street or False,
        "city": "Austin",
    }
    partner |= {"zip": "78701", "state_id": [9, "Texas (US)"], "country_id": [233, "United States"]}
    document = {"id": 1, "state": "paid", "date_order": "2026-11-20 16:15:00", "amount_total": 0, "amount_tax": 0}
    document |= {"lines": [], "payments": [], "partner_id": [3, "Ann Lee"]}
    return order(read_odoo(document, OdooReferenceData("USD", partners={3: partner}), "till"))


READERS: dict[str, Callable[[Street], CanonicalOrder]] = {
    "loyverse": of_loyverse,
    "lightspeed_x": of_lightspeed,
    "clover": of_clover,
    "odoo": of_odoo,
}


@pytest.mark.parametrize("source", READERS)
def test_a_customers_address_is_read_where_the_till_keeps_one(source: str) -> None:
    read = READERS[source]("2 Side Street")
    assert read.customer is not None
    assert (read.customer.first_name, read.customer.last_name, read.customer.email) == ("Ann", "Lee", "ann@example.com")
    billing = read.billing
    assert billing is not None
    assert (billing.first_name, billing.last_name) == ("Ann", "Lee")
    assert (billing.street_1, billing.city, billing.zip) == ("2 Side Street", "Austin", "78701")
    assert (billing.state, billing.country) in {("TX", "US"), ("Texas", "United States")}


@pytest.mark.parametrize("source", READERS)
def test_a_city_without_a_street_is_no_address(source: str) -> None:
    read = READERS[source]("")
    assert (read.billing, read.customer is not None) == (None, True)
