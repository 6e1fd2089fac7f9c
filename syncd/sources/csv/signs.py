# ruff: noqa: RUF001  signs in the letters of their own countries
"""What stands beside an amount: the signs of each currency, and what tills write besides.

Signs are Unicode's CLDR (``currency_signs.json``, written by ``python -m tests.currency_signs``); usual spellings that it lacks
stand here. All are compared without blanks, dots at their end, and capitals.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

_USUAL = {
    "AED": ("dh", "dhs", "د.إ"),
    "ARS": ("ar$",),
    "AUD": ("a$", "au$"),
    "BGN": ("лв",),
    "BRL": ("r$",),
    "CAD": ("c$", "ca$", "cad$"),
    "CHF": ("fr", "sfr", "frs"),
    "CNY": ("¥", "元", "rmb"),
    "CRC": ("₡",),
    "CZK": ("kc",),
    "DKK": ("dkr",),
    "GBP": ("£",),
    "GHS": ("gh¢",),
    "HUF": ("huf",),
    "ILS": ("₪", "nis"),
    "INR": ("re", "₨"),
    "ISK": ("kr",),
    "JPY": ("円", "yen"),
    "KES": ("ksh", "kes"),
    "KRW": ("원", "won"),
    "LKR": ("rs", "₨"),
    "NGN": ("₦",),
    "NOK": ("kr", "nkr"),
    "NPR": ("rs", "₨"),
    "NZD": ("nz$",),
    "PEN": ("s/", "s/."),
    "PHP": ("php", "p", "₱"),
    "PKR": ("rs", "₨"),
    "PLN": ("zl", "zlotych"),
    "PYG": ("₲", "gs"),
    "RON": ("lei", "leu"),
    "RUB": ("руб", "р"),
    "SEK": ("skr",),
    "THB": ("฿", "บาท"),
    "TRY": ("tl",),
    "TZS": ("tsh",),
    "UAH": ("грн",),
    "UGX": ("ush",),
    "UYU": ("$u",),
    "VND": ("đ", "vnđ"),
    "XAF": ("fcfa", "cfa"),
    "XOF": ("fcfa", "cfa"),
}


@cache
def signs_of(currency: str) -> frozenset[str]:
    """Return what may stand beside an amount in a currency: its code and its signs, as ``bare_sign`` makes them."""
    return frozenset(map(bare_sign, (currency, *_listed().get(currency, ()), *_USUAL.get(currency, ()))))


@cache
def currencies_of(sign: str) -> frozenset[str]:
    """Return the currencies that a bare sign may stand for; empty where it is none that is known."""
    return frozenset(code for code in {*_listed(), *_USUAL} if sign in signs_of(code)) | _code(sign)


def _code(sign: str) -> frozenset[str]:
    import pycountry  # noqa: PLC0415  a large table that a file of plain numbers need not load

    found = pycountry.currencies.get(alpha_3=sign.upper()) if len(sign) == 3 and sign.isascii() else None
    return frozenset([str(found.alpha_3)]) if found is not None else frozenset()


def bare_sign(text: str) -> str:
    """Return a sign as it is compared."""
    return text.replace(" ", "").rstrip(".").casefold()


@cache
def _listed() -> dict[str, list[str]]:
    text = files("syncd.sources.csv").joinpath("currency_signs.json").read_text(encoding="utf-8")
    found: dict[str, list[str]] = json.loads(text)
    return found
