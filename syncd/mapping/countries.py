"""Countries and their states, however a till writes them. Pure, but for the tables that are read once.

Codes and states are ISO 3166's (pycountry); names in other languages are Unicode's CLDR (``country_names.json``, written by
``python -m tests.country_names``); what people call a country besides stands here.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from syncd.mapping.formats import folded

_USUAL = {
    "america": "US", "ee uu": "US", "u s": "US", "u s a": "US", "estados unidos de america": "US", "uk": "GB", "u k": "GB",
    "great britain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB",
    "republic of ireland": "IE", "eire": "IE", "holland": "NL", "turkey": "TR", "uae": "AE", "u a e": "AE", "emirates": "AE",
    "russia": "RU", "south korea": "KR", "korea": "KR", "republic of korea": "KR", "north korea": "KP", "vietnam": "VN",
    "czech republic": "CZ", "czechia": "CZ", "ivory coast": "CI", "macedonia": "MK", "fyrom": "MK", "swaziland": "SZ",
    "burma": "MM", "cape verde": "CV", "east timor": "TL", "laos": "LA", "syria": "SY", "iran": "IR", "taiwan": "TW",
    "tanzania": "TZ", "bolivia": "BO", "venezuela": "VE", "moldova": "MD", "brunei": "BN", "palestine": "PS", "vatican": "VA",
    "vatican city": "VA", "macau": "MO", "macao": "MO", "macau sar": "MO",
    "hong kong": "HK", "hongkong": "HK", "hong kong sar": "HK", "drc": "CD", "dr congo": "CD",
    "congo kinshasa": "CD", "congo brazzaville": "CG", "falkland islands": "FK", "micronesia": "FM", "st lucia": "LC",
    "st kitts": "KN", "st vincent": "VC", "st martin": "MF", "antigua": "AG", "trinidad": "TT", "bosnia": "BA", "ksa": "SA",
    "prc": "CN", "p r china": "CN", "mainland china": "CN", "nz": "NZ", "schweiz ch": "CH", "brd": "DE", "frg": "DE",
}  # fmt: skip
_NEED_POSTCODES = frozenset(
    (
        *(
            "AC",
            "AI",
            "AS",
            "AT",
            "AU",
            "AX",
            "BE",
            "BL",
            "BR",
            "CA",
            "CC",
            "CH",
            "CN",
            "CX",
            "CY",
            "CZ",
            "DE",
            "DK",
            "EE",
            "ES",
        ),
        *(
            "FI",
            "FK",
            "FM",
            "FO",
            "FR",
            "GB",
            "GF",
            "GG",
            "GI",
            "GL",
            "GP",
            "GR",
            "GS",
            "GU",
            "HU",
            "IM",
            "IN",
            "IO",
            "IS",
            "IT",
        ),
        *(
            "JE",
            "JP",
            "KR",
            "KY",
            "LI",
            "LT",
            "LU",
            "LV",
            "MC",
            "MF",
            "MH",
            "MP",
            "MQ",
            "MX",
            "MY",
            "NC",
            "NF",
            "NL",
            "NO",
            "NZ",
        ),
        *(
            "PL",
            "PM",
            "PN",
            "PR",
            "PT",
            "PW",
            "RE",
            "RO",
            "RU",
            "SA",
            "SE",
            "SG",
            "SH",
            "SI",
            "SJ",
            "SK",
            "SM",
            "TC",
            "TR",
            "TW",
        ),
        *("UA", "UM", "US", "VA", "VI", "WF", "YT", "ZA"),
    )
)
"""Countries whose addresses are not whole without a postcode (https://github.com/google/libaddressinput: "require" has a Z)."""


@cache
def country_of(text: str) -> tuple[str, str] | None:
    """Return the ISO 3166-1 alpha-2 code and the name of a country, given a code or any usual name; None where it is neither."""
    import pycountry  # noqa: PLC0415  a large table that only a push needs

    given = text.strip()
    known = _USUAL.get(folded(given))
    try:
        found = pycountry.countries.lookup(known or given)
    except LookupError:
        if (code := _names().get(folded(given))) is None:
            return None
        found = pycountry.countries.lookup(code)
    return found.alpha_2, getattr(found, "common_name", found.name)


@cache
def _names() -> dict[str, str]:
    text = files("syncd.mapping").joinpath("country_names.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def needs_postcode(iso2: str) -> bool:
    """Whether an address in a country is not whole without a postcode."""
    return iso2 in _NEED_POSTCODES


@cache
def state_name(iso2: str, text: str) -> str:
    """Return a state's full name, as BigCommerce wants it, from its short code ("TX" in the US is "Texas"); else as it is."""
    import pycountry  # noqa: PLC0415  a large table that only a push needs

    given = text.strip()
    short = given.upper().removeprefix(f"{iso2}-").rstrip(".")
    found = pycountry.subdivisions.get(code=f"{iso2}-{short}") if 0 < len(short) <= 3 else None
    return found.name if found is not None else given
