"""Free text on its way to BigCommerce: bounded, and with stray card numbers masked."""

from __future__ import annotations

import re

_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")


def bounded(text: str, longest: int) -> str:
    """``text`` on one line, cut at ``longest`` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def mask_cards(text: str) -> str:
    """``text`` with every card number (13 to 19 digits that pass the Luhn check) masked but for its last four digits."""
    return _CARD.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return f"[card ending {digits[-4:]}]" if _luhn(digits) else found[0]


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
