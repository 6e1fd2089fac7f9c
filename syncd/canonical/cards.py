"""Card numbers that strayed into free text: masked before anything stores or sends them."""

from __future__ import annotations

import re

# 13 to 19 digits, in groups or not; payment cards begin with 2 to 6 (ISO/IEC 7812), articles mostly with 0, 1, 7, 8 or 9.
_CARD = re.compile(r"(?<!\d)[2-6](?:[ -]?\d){12,18}(?!\d)")


CARD_MASK = "[card ending "


def mask_cards(text: str) -> str:
    """``text`` with every card number (13 to 19 digits that pass the Luhn check) masked but for its last four digits."""
    return _CARD.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return f"{CARD_MASK}{digits[-4:]}]" if _luhn(digits) else found[0]


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
