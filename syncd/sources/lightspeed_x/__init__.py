"""Lightspeed Retail X-Series (Vend): sales by their version. See ``docs/sources/lightspeed_x.md``."""
