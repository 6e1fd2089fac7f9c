"""BigCommerce's API as syncd needs it. Knows nothing of sales, the ledger or any POS."""
