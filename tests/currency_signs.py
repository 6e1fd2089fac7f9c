"""Writes ``syncd/sources/csv/currency_signs.json``: the signs of each currency, from Unicode's CLDR by way of Babel.

python -m tests.currency_signs
"""

from __future__ import annotations

import json
from pathlib import Path

import pycountry
from babel import Locale, UnknownLocaleError
from babel.localedata import locale_identifiers

from syncd.sources.csv.plain import plain

FILE = Path(__file__).resolve().parents[1] / "syncd" / "sources" / "csv" / "currency_signs.json"


def signs() -> dict[str, list[str]]:
    """What stands beside amounts in each currency, in any language; by its code, without its code."""
    found: dict[str, set[str]] = {str(one.alpha_3): set() for one in pycountry.currencies}
    for name in locale_identifiers():
        try:
            symbols = Locale.parse(name).currency_symbols
        except (UnknownLocaleError, ValueError):
            continue
        for code, symbol in symbols.items():
            said = plain(symbol).replace(" ", "").rstrip(".").casefold()
            if code in found and said and said != code.casefold() and not any(char.isdigit() for char in said):
                found[code].add(said)
    return {code: sorted(of) for code, of in sorted(found.items()) if of}


if __name__ == "__main__":
    FILE.write_text(json.dumps(signs(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{FILE.name}: {len(signs())} currencies")
