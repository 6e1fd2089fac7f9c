"""Writes ``syncd/sources/csv/calendar_words.json``: months, weekdays and halves of the day, from Unicode's CLDR by way of Babel.

python -m tests.calendar_words
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel import Locale

from syncd.sources.csv.calendar_words import bare_word
from syncd.sources.csv.plain import plain
from tests.country_names import USUAL

FILE = Path(__file__).resolve().parents[1] / "syncd" / "sources" / "csv" / "calendar_words.json"
_HALVES = {"am": 0, "pm": 1}


def words() -> dict[str, dict[str, int]]:
    """The number of each month, weekday and half of the day by each of its names; what stands for two is left out."""
    return {
        "months": _sure((bare_word(name), int(number)) for name, number in _named("months")),
        "weekdays": _sure((bare_word(name), int(number)) for name, number in _named("days")),
        "halves": _sure(
            (bare_word(name.replace(".", "").replace(" ", "")), _HALVES[half])
            for name, half in _named("day_periods")
            if half in _HALVES
        ),
    }


def _named(what: str) -> Iterator[tuple[str, Any]]:
    for language in USUAL:
        contexts = getattr(Locale.parse(language), what)
        for widths in contexts.values():
            for width in ("wide", "abbreviated"):
                for number, name in widths.get(width, {}).items():
                    yield plain(str(name)), number


def _sure(pairs: Iterator[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for name, number in pairs:
        if (len(name) > 1 or name >= "\u0600") and not any(char.isdigit() for char in name):
            found.setdefault(name, set()).add(number)
    return {name: next(iter(numbers)) for name, numbers in sorted(found.items()) if len(numbers) == 1}


if __name__ == "__main__":
    FILE.write_text(json.dumps(words(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{FILE.name}: { ({kind: len(names) for kind, names in words().items()}) }")
