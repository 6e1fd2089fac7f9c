"""Square: the Orders, Payments, Catalog and Customers APIs. See ``docs/sources/square.md``."""
