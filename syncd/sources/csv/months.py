"""Months by their names in the languages of tills.

The names are Unicode's CLDR: ``month_names.json``, written by ``python -m tests.month_names``.
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from importlib.resources import files


def month_of(name: str) -> int | None:
    """The number of a month, 1 to 12; None where the word is no month, or another one in another language."""
    return _names().get(bare_month(name))


def bare_month(name: str) -> str:
    """A month's name as it is compared: without accents, dots and capitals."""
    spread = unicodedata.normalize("NFKD", name.strip().rstrip(".").casefold())
    return "".join(char for char in spread if not unicodedata.combining(char))


@cache
def _names() -> dict[str, int]:
    text = files("syncd.sources.csv").joinpath("month_names.json").read_text(encoding="utf-8")
    found: dict[str, int] = json.loads(text)
    return found
