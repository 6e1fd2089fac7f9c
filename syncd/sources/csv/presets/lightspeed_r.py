"""Lightspeed Retail R-Series: the report of sales lines, one row a line; X-Series, formerly Vend, is ``lightspeed_x``.

No real export was at hand: columns as the vendor's reports name them; others are named by ``columns``.
"""

from __future__ import annotations

from msgspec.structs import replace

from syncd.sources.csv.languages import LIGHTSPEED_R
from syncd.sources.csv.presets import generic

PRESET = replace(
    generic.PRESET,
    name="lightspeed_r",
    tables=(frozenset({"sale_id", "date", "name", "quantity", "line_total"}),),
    key_words="Sale ID",
    headings=LIGHTSPEED_R,
    ids=("sale_id",),
)
