"""Writes ``syncd/mapping/country_names.json``: what countries are called, from Unicode's CLDR by way of Babel.

    python -m tests.country_names

A file, and not Babel at work in the daemon: its locales would take a third of the daemon's memory for one name in a thousand sales.
"""

from __future__ import annotations

import json
from pathlib import Path

import pycountry
from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages

from syncd.mapping.formats import folded

FILE = Path(__file__).resolve().parents[1] / "syncd" / "mapping" / "country_names.json"
USUAL = (
    *(
        "ar",
        "bg",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
        "is",
        "it",
    ),
    *(
        "ja",
        "ko",
        "lt",
        "lv",
        "ms",
        "nb",
        "nl",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sq",
        "sr",
        "sr_Latn",
        "sv",
        "th",
        "tr",
    ),
    *("uk", "vi", "zh", "zh_Hant"),
)
"""Languages in which tills name any country; each country has its own ones besides."""
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


def names() -> dict[str, str]:
    """The code of each country by each of its names; names that two countries have are left out."""
    found: dict[str, set[str]] = {}
    codes = sorted(str(one.alpha_2) for one in pycountry.countries)
    for code in codes:
        for language in {*USUAL, *get_official_languages(code, de_facto=True)}:
            try:
                territories = Locale.parse(language).territories
            except UnknownLocaleError:
                continue
            for key in (code, f"{code}-alt-short", f"{code}-alt-variant"):
                for said in spellings(str(territories.get(key, "")), language):
                    found.setdefault(said, set()).add(code)
    return {name: next(iter(codes)) for name, codes in sorted(found.items()) if len(codes) == 1}


def spellings(name: str, language: str) -> set[str]:
    """A name as ``folded`` makes it; in German with its umlauts written as two letters, too."""
    said = {folded(name)}
    if language.startswith("de"):
        said.add(folded(name.translate(_TWO_LETTERS)))
    return said - {""}


if __name__ == "__main__":
    FILE.write_text(json.dumps(names(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{FILE.name}: {len(names())} names")
