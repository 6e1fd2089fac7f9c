"""What a sale is matched with: the catalog, its mirror, customers, aliases and currencies, looked up and remembered."""
