"""Words of dates and clocks in the languages of tills: months, weekdays, the halves of a day.

The words are Unicode's CLDR: ``calendar_words.json``, written by ``python -m tests.calendar_words``.
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any


def month_of(name: str) -> int | None:
    """Return the number of a month, 1 to 12; None where the word is no month, or another one in another language."""
    found: int | None = _words()["months"].get(bare_word(name))
    return found


def is_weekday(name: str) -> bool:
    """Whether a word is the name of a day of the week."""
    return bare_word(name) in _words()["weekdays"]


def half_of_day(words: str) -> int | None:
    """0 for the hours before noon (``a. m.``, ``AM``), 1 for those after (``p. m.``), None for other words."""
    found: int | None = _words()["halves"].get(bare_word(words.replace(".", "").replace(" ", "")))
    return found


def bare_word(name: str) -> str:
    """Return a word as it is compared: without accents, dots at its end and capitals."""
    spread = unicodedata.normalize("NFKD", name.strip().rstrip(".").casefold())
    return "".join(char for char in spread if not unicodedata.combining(char))


@cache
def _words() -> dict[str, dict[str, Any]]:
    text = files("syncd.sources.csv").joinpath("calendar_words.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found
