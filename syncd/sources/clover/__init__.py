"""Clover: orders by the time of their last change, and refunds apart. See ``docs/sources/clover.md``."""
