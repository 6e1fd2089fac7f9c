"""Writes ``syncd/sources/csv/month_names.json``: what months are called, from Unicode's CLDR by way of Babel.

python -m tests.month_names
"""

from __future__ import annotations

import json
from pathlib import Path

from babel import Locale

from syncd.sources.csv.months import bare_month
from tests.country_names import USUAL

FILE = Path(__file__).resolve().parents[1] / "syncd" / "sources" / "csv" / "month_names.json"


def names() -> dict[str, int]:
    """The number of each month by each of its names; a name that stands for two months somewhere is left out."""
    found: dict[str, set[int]] = {}
    for language in USUAL:
        months = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    bare = bare_month(str(name))
                    if len(bare) > 1 and not any(char.isdigit() for char in bare):
                        found.setdefault(bare, set()).add(int(number))
    return {name: next(iter(numbers)) for name, numbers in sorted(found.items()) if len(numbers) == 1}


if __name__ == "__main__":
    FILE.write_text(json.dumps(names(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{FILE.name}: {len(names())} names")
