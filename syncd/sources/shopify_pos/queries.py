"""The questions that we ask of Shopify, and their parts.

A query may cost 1,000 points at most, and lists in lists multiply: refunds are asked for order by order, where there are any.
Source: https://shopify.dev/docs/api/admin-graphql/latest/queries/orders
"""

from __future__ import annotations

_MONEY = "{ shopMoney { amount currencyCode } }"
_TAXES = f"taxLines {{ title ratePercentage priceSet {_MONEY} }}"
_LINE = (
    "id title name sku variantTitle quantity currentQuantity unfulfilledQuantity isGiftCard requiresShipping"
    f" variant {{ id barcode }} originalUnitPriceSet {_MONEY} totalDiscountSet {_MONEY}"
    f" discountAllocations {{ allocatedAmountSet {_MONEY} }} {_TAXES}"
)
_TRANSACTION = f"id kind status gateway formattedGateway processedAt amountSet {_MONEY} amountRoundingSet {_MONEY}"
_ADDRESS = "{ firstName lastName company address1 address2 city province zip countryCodeV2 phone }"
_CUSTOMER = (
    f"email customer {{ id firstName lastName email phone }} billingAddress {_ADDRESS} shippingAddress {_ADDRESS}"
)
_STAFF = "staffMember { id name }"
LINES_AT_ONCE = 20

_ORDER = f"""
id legacyResourceId name createdAt processedAt updatedAt cancelledAt test sourceName sourceIdentifier currencyCode taxesIncluded
note displayFinancialStatus displayFulfillmentStatus retailLocation {{ id name }} registeredSourceUrl
totalPriceSet {_MONEY} totalTaxSet {_MONEY} totalTipReceivedSet {_MONEY}
totalCashRoundingAdjustment {{ paymentSet {_MONEY} refundSet {_MONEY} }}
lineItems(first: {LINES_AT_ONCE}) {{ nodes {{ {_LINE} }} pageInfo {{ hasNextPage endCursor }} }}
shippingLines(first: 3) {{ nodes {{ title discountedPriceSet {_MONEY} {_TAXES} }} }}
transactions(first: 10) {{ {_TRANSACTION} }}
refunds(first: 10) {{ id }}
""".replace(" registeredSourceUrl", "")


def order_fields(*, customers: bool, staff: bool) -> str:
    """Return the fields of an order, with those that need permissions of their own where they are wanted."""
    return " ".join([_ORDER, *([_CUSTOMER] if customers else []), *([_STAFF] if staff else [])])


def orders(fields: str) -> str:
    """Return a page of orders: variables ``first``, ``after``, ``query``, ``key``."""
    return (
        "query Orders($first: Int!, $after: String, $query: String!, $key: OrderSortKeys!) {"
        " orders(first: $first, after: $after, query: $query, sortKey: $key) {"
        f" nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


def order(fields: str) -> str:
    """One order: variable ``id``."""
    return f"query Order($id: ID!) {{ order(id: $id) {{ {fields} }} }}"


MORE_LINES = (
    "query Lines($id: ID!, $after: String) { order(id: $id) {"
    f" lineItems(first: 100, after: $after) {{ nodes {{ {_LINE} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
)
REFUNDS = (
    "query Refunds($id: ID!) { order(id: $id) { refunds(first: 50) {"
    f" id legacyResourceId createdAt note totalRefundedSet {_MONEY}"
    f" refundLineItems(first: 15) {{ nodes {{ lineItem {{ id }} quantity subtotalSet {_MONEY} totalTaxSet {_MONEY} }} }}"
    f" transactions(first: 5) {{ nodes {{ {_TRANSACTION} }} }} }} }} }}"
)
ABOUT = "query About { shop { name currencyCode ianaTimezone } currentAppInstallation { accessScopes { handle } } }"
