"""syncd carries in-store sales from POS systems into a BigCommerce store: each sale exactly once, right to the cent."""

__version__ = "0.1.0"
