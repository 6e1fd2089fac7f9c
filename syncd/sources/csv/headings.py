"""What a plain export may say in its columns."""

from __future__ import annotations

from collections.abc import Mapping

# What we look for, and the headings under which it is found where the config names no other.
GENERIC: Mapping[str, tuple[str, ...]] = {
    "sale_id": ("sale_id", "sale id", "transaction id", "order id", "uuid"),
    "receipt": ("receipt", "receipt number", "receipt no", "number", "invoice", "invoice number"),
    "register": ("register", "till", "terminal", "pos"),
    "date": ("date", "datetime", "date time", "timestamp", "placed_at", "sold at"),
    "time": ("time",),
    "sku": ("sku", "item number", "product sku"),
    "upc": ("upc", "ean", "gtin", "barcode"),
    "name": ("name", "item", "description", "product", "product name"),
    "quantity": ("quantity", "qty"),
    "line_total": ("line_total", "line total", "amount", "net"),
    "price": ("price", "unit price"),
    "tax": ("tax", "line tax", "vat"),
    "discount": ("discount",),
    "tip": ("tip",),
    "total": ("total", "sale total", "receipt total"),
    "total_tax": ("total_tax", "total tax"),
    "tender": ("tender", "payment", "payment method", "paid by"),
    "status": ("status",),
    "currency": ("currency", "currency code"),
    "kind": ("kind", "transaction type", "sale type", "row type", "type of sale"),
    "location": ("location", "store", "shop"),
    "cashier": ("cashier", "staff", "user"),
    "customer": ("customer", "customer name"),
    "email": ("email", "customer email", "e-mail"),
    "phone": ("phone", "customer phone", "telephone"),
    "company": ("company", "customer company"),
    "street_1": ("street", "address", "address 1", "address1", "street address", "customer address"),
    "street_2": ("street 2", "address 2", "address2"),
    "city": ("city", "town", "customer city"),
    "region": ("region", "province", "county", "customer state"),
    "zip": ("zip", "postcode", "postal code", "zip code", "customer postcode"),
    "country": ("country", "country code", "customer country"),
    "note": ("note", "notes", "comment"),
}
