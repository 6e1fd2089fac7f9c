"""Shopify POS: the orders of a shop's tills, by the GraphQL Admin API. See ``docs/sources/shopify_pos.md``."""
