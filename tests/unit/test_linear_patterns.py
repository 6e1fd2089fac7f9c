"""No pattern that reads what files, tills or people write takes more than linear time, whatever they write."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time

import pytest

import syncd

_ROOMS = (
    "syncd.sources",
    "syncd.canonical",
    "syncd.mapping",
    "syncd.spreadsheet",
    "syncd.clock",
    "syncd.intake",
    "syncd.web",
)
_LENGTH = 20_000  # a quadratic pattern takes seconds for that, a linear one less than a thousandth
_TOO_LONG_S = 1.5
_PARTS = (" ", "0", "a", "A", ".", ",", "-", "+", "'", "\t", "\n", "\xa0", "/", ":", "<", ";", "=", "(", "é")
_PAIRS = ("0,", "1.", "a ", "1 ", "0.0,", " \t", "1/", "a-", '""', "<a", "a.", "00 ")


def _patterns() -> dict[str, re.Pattern[str]]:
    """Every compiled pattern of text in the modules that read from outside, by where it stands."""
    found: dict[str, re.Pattern[str]] = {}
    for about in pkgutil.walk_packages(syncd.__path__, "syncd."):
        if not about.name.startswith(_ROOMS) or about.name.endswith(("__main__", "workbook_rows")):
            continue
        module = importlib.import_module(about.name)
        for name, value in vars(module).items():
            for key, one in value.items() if isinstance(value, dict) else ((name, value),):
                if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                    found.setdefault(
                        f"{about.name}.{name}[{key}]" if isinstance(value, dict) else f"{about.name}.{name}", one
                    )
    return found


PATTERNS = _patterns()


def test_there_are_patterns_to_look_at() -> None:
    assert len(PATTERNS) > 60


@pytest.mark.parametrize("where", sorted(PATTERNS))
def test_a_pattern_is_linear(where: str) -> None:
    pattern = PATTERNS[where]
    for part in (*_PARTS, *_PAIRS):
        text = (part * _LENGTH)[:_LENGTH] + "\x01"
        begin = time.process_time()
        pattern.search(text)
        pattern.fullmatch(text)
        assert time.process_time() - begin < _TOO_LONG_S, f"{where} ({pattern.pattern!r}) on {part!r} repeated"
