"""The right half of the flow: from the ledger into BigCommerce. The only room that knows both."""
