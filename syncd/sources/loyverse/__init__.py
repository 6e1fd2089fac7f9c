"""Loyverse: receipts by the time of their last change. See ``docs/sources/loyverse.md``."""
