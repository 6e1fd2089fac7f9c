"""What vendors call the columns of their exports in other languages than English, each with where it was seen.

A heading that is missing here is named in the config: ``columns = { "receipt number" = "..." }``.
"""

from __future__ import annotations

from collections.abc import Mapping

# Spanish: the receipts by item of a Mexican shop, in the test of a public importer (2026), and a tool that writes the same file.
LOYVERSE: Mapping[str, tuple[str, ...]] = {
    "date": ("fecha",),
    "receipt number": ("número de recibo", "numero de recibo"),
    "receipt type": ("tipo de recibo",),
    "category": ("categoría", "categoria"),
    "sku": ("ref",),
    "item": ("artículo", "articulo"),
    "variant": ("variante",),
    "modifiers applied": ("modificadores aplicados",),
    "quantity": ("cantidad",),
    "gross sales": ("ventas brutas",),
    "discounts": ("descuentos",),
    "net sales": ("ventas netas",),
    "taxes": ("impuestos",),
    "tips": ("propinas",),
    "total collected": ("total recaudado", "total cobrado"),
    "payment type": ("tipo de pago",),
    "description": ("descripción", "descripcion"),
    "pos": ("tpv",),
    "store": ("tienda",),
    "cashier name": ("nombre del cajero",),
    "customer name": ("nombre del cliente",),
    "customer contacts": ("contactos del cliente",),
    "comment": ("comentario",),
    "status": ("estado",),
}

# German: a Swiss café's reports, as a public tool for them reads them (2023 to 2026). Spanish: reports of Chilean shops, in two
# public tools (2025, 2026). English: the same report of an account in English.
SUMUP: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "datum", "fecha"),
    "kind": ("type", "typ", "tipo"),
    "sale_id": ("transaction id", "transaktionsnummer", "id de transacción"),
    "tender": ("payment method", "zahlungsmethode", "forma de pago", "método de pago"),
    "quantity": ("quantity", "menge", "cantidad"),
    "name": ("description", "beschreibung", "descripción"),
    "sku": ("sku",),
    "currency": ("currency", "währung", "moneda"),
    "discount": ("discount", "rabatt", "descuento"),
    "line_total": ("price (gross)", "preis (brutto)", "precio (bruto)"),
    "tax": ("tax", "steuer", "iva", "impuesto"),
    "cashier": ("account", "konto", "cuenta"),
}

# Danish: a real report of receipts, in the test data of a public project (2021). English and Swedish: the same report there.
ZETTLE: Mapping[str, tuple[str, ...]] = {
    "date": ("dato", "datum"),
    "time": ("tid",),
    "receipt number": ("kvitteringsnummer", "kvittonummer"),
    "total": (),
    "tip": ("drikkepenge", "dricks"),
    "payment method": ("betalingsmetode", "betalningsmetod", "betalsätt"),
    "event type": ("hændelsestype", "händelsetyp"),
    "card issuer": ("kortudsteder", "kortutgivare"),
    "last digits": ("sidste cifre", "sista siffror"),
    "staff": ("personale", "personal"),
    "description": ("beskrivelse", "beskrivning"),
    "sold via": ("solgt via", "såld via"),
    "fee": ("afgift", "avgift"),
    "net": ("netto",),
}
ZETTLE_TAX = (
    "moms (",
    "vat (",
    "mva (",
    "mwst. (",
    "mwst (",
    "tva (",
    "iva (",
    "alv (",
    "btw (",
)  # each rate has a column

# Lightspeed Retail R-Series, the report of sales lines. No real file was seen: columns as its reports name them.
LIGHTSPEED_R: Mapping[str, tuple[str, ...]] = {
    "sale_id": ("sale id", "sale", "sale #", "transaction id", "id"),
    "date": ("date", "sale date", "completed", "completed time", "date/time"),
    "time": ("time", "sale time"),
    "name": ("description", "item", "item description"),
    "sku": ("custom sku", "system id", "sku", "manufact. sku"),
    "upc": ("upc", "ean"),
    "quantity": ("quantity", "qty", "qty sold"),
    "line_total": ("subtotal w/ discounts", "subtotal", "line subtotal"),
    "tax": ("tax", "taxes", "sales tax"),
    "discount": ("discount", "discounts"),
    "total": ("sale total",),
    "tender": ("payments", "payment type"),
    "customer": ("customer",),
    "cashier": ("employee",),
    "register": ("register",),
    "location": ("shop",),
    "status": ("status",),
    "note": ("note", "notes"),
}
