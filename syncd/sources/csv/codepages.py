"""The code page of a text file: told by its mark, by being UTF-8, or by words that only Western text has; else not guessed.

Any byte is a letter in cp1252, so that Cyrillic, Thai or Polish text decodes to nonsense without a fault.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from syncd.sources.csv.rows import UnreadableFile

_CHUNK = 1 << 20
_SAMPLE = 1 << 16
_SHOWN = 60
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BY_CURRENCY = {
    **dict.fromkeys(("PLN", "CZK", "HUF", "RON", "HRK", "BAM"), "cp1250"),
    **dict.fromkeys(("RUB", "UAH", "BYN", "BGN", "KZT", "RSD", "MKD", "KGS", "MNT"), "cp1251"),
    "TRY": "cp1254",
    "ILS": "cp1255",
    "THB": "cp874",
    "VND": "cp1258",
    "JPY": "cp932",
    "KRW": "cp949",
    "CNY": "gb18030",
    **dict.fromkeys(("TWD", "HKD"), "cp950"),
    **dict.fromkeys(
        ("AED", "SAR", "EGP", "QAR", "KWD", "BHD", "OMR", "JOD", "IQD", "LYD", "DZD", "TND", "MAD"), "cp1256"
    ),
}
_BY_ZONE = {
    **dict.fromkeys(("Europe/Athens", "Asia/Nicosia"), "cp1253"),
    **dict.fromkeys(("Europe/Bratislava", "Europe/Ljubljana", "Europe/Zagreb"), "cp1250"),
    **dict.fromkeys(("Europe/Vilnius", "Europe/Riga", "Europe/Tallinn"), "cp1257"),
    "Europe/Sofia": "cp1251",
}
"""What Windows of that place saves text in. Source: https://learn.microsoft.com/en-us/windows/win32/intl/code-page-identifiers"""
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0152\u0153\u0160\u0161\u017d\u017e\u0178"
_WORDS = re.compile(f"[{_LETTER}]+")
_HAS_PLAIN = re.compile("[A-Za-z]")
_FOREIGN = re.compile(r"[^\x00-\x7f]{4}")
_SIGNS = "\u00a4\u00a6\u00a8\u00ac\u00af\u00b4\u00b8\u00b9\u00b3\u00d7\u00f7"  # that stand for letters elsewhere
_SIGN_IN_WORD = re.compile(
    f"[{_LETTER}][{_SIGNS}\u00a3\u00a5\u00a9\u00ae\u00a1\u00bf\u00b2\u00bc-\u00be][{_LETTER}]|(?<![{_LETTER}\\d])[{_SIGNS}][{_LETTER}]{{2}}"
)
_SIGN_BESIDE = re.compile("\u0192\\S|\\S\u0192|[\u00bf\u00a1][\u00a1-\u00bf]")
_SIGN_BEFORE_LETTER = re.compile(f"(?<![{_LETTER}\\d])[\u00a3\u00a5\u00aa\u00ba\u00bc-\u00be\u0178][{_LETTER}]{{2}}")


_ODD = (_SIGN_IN_WORD, _SIGN_BEFORE_LETTER, _SIGN_BESIDE)


def encoding_of(path: Path, wanted: str, currency: str = "", zone: str = "") -> str:
    """Return the encoding of a file.

    As configured, by its byte order mark, UTF-8 where it is valid, cp1252 where its words are Western.

    ``currency`` and ``zone`` are the source's: some places have code pages of their own.

    Raises:
        UnreadableFile: it is none of these, or may be another; the message says which to try.

    """
    if wanted != "auto":
        return wanted
    with path.open("rb") as file:
        head = file.read(4)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if _decodes(path, "utf-8"):
        return "utf-8"
    usual, sample = _usual(currency, zone), _sample(path)
    if usual == "cp1252" and _decodes(path, "cp1252") and is_western(sample.decode("cp1252")):
        return "cp1252"
    raise UnreadableFile(f"its letters are in no code page that can be told for sure: {_proposal(sample, usual)}")


def _usual(currency: str, zone: str) -> str:
    return _BY_ZONE.get(zone) or _BY_CURRENCY.get(currency, "cp1252")


def is_western(text: str) -> bool:
    """Whether text that was decoded as cp1252 has words of Western Europe: accents among plain letters. Pure."""
    accented = [word for word in _WORDS.findall(text) if not word.isascii()]
    strange = [word for word in accented if _FOREIGN.search(word) or (len(word) > 1 and not _HAS_PLAIN.search(word))]
    return len(strange) * 10 <= len(accented) and not any(odd.search(text) for odd in _ODD)


def _sample(path: Path) -> bytes:
    """Return the lines that are not plain ASCII, as far as a page of them goes."""
    found = bytearray()
    with path.open("rb") as file:
        while len(found) < _SAMPLE and (line := file.readline(_SAMPLE)):
            if not line.isascii():
                found += line
    return bytes(found)


def _proposal(sample: bytes, usual: str) -> str:
    """Which encoding to set, with what the text would be then."""
    from charset_normalizer import from_bytes  # noqa: PLC0415  a text in UTF-8 need not wait for it

    likely = from_bytes(sample).best()
    names = [usual] if usual != "cp1252" else []
    names += [likely.encoding] if likely is not None and likely.encoding not in (*names, "ascii", "utf_8") else []
    shown = [f'encoding = "{name}" would make it {text!r}' for name in names if (text := _shown(sample, name))]
    return "; ".join(shown) or "set encoding for this source"


def _shown(sample: bytes, name: str) -> str:
    """Return the first words that are not plain ASCII, in an encoding; empty where it cannot be."""
    try:
        text = sample.decode(name)
    except (UnicodeDecodeError, LookupError):
        return ""
    line = next((line for line in text.splitlines() if not line.isascii()), "")
    first = next((place for place, char in enumerate(line) if not char.isascii()), 0)
    start = max(line.rfind(mark, 0, first) for mark in ",;\t|") + 1
    return re.split(r"[,;\t|]", line[start:])[0].strip()[:_SHOWN]


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
