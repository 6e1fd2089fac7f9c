"""Text as files have it, made plain before it is compared or read: one kind of blank, minus and digit, no invisible marks. Pure."""

from __future__ import annotations

import unicodedata

_MINUS = "\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d"
_SAME = {ord(char): "-" for char in _MINUS} | {ord(char): "'" for char in "\u2019\u2018\u02bc\u00b4`"}


def plain(text: str) -> str:
    """``text`` with usual letters, blanks, minus signs, apostrophes and ASCII digits, no marks that nobody sees, stripped.

    Half- and full-width forms become the usual ones (NFKC), letters and their accents one character.
    """
    if text.isascii():
        return text.strip()
    found = unicodedata.normalize("NFKC", text).translate(_SAME)
    return "".join(filter(None, map(_char, found))).strip()


def _char(char: str) -> str:
    if char.isascii():
        return char
    kind = unicodedata.category(char)
    if kind == "Cf":  # marks for the direction of writing, blanks of no width
        return ""
    if kind == "Zs":
        return " "
    return str(unicodedata.decimal(char)) if kind == "Nd" else char
