"""Square: the Orders, Payments, Catalog and Customers APIs. See ``docs/sources.md``."""
