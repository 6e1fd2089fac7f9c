"""Tells what a file is by its first bytes: web tills name pages and texts ``.xls``, and people name workbooks ``.csv``."""

from __future__ import annotations

import codecs
from enum import Enum
from pathlib import Path

from syncd.sources.csv.rows import CutFile, UnreadableFile

_HEAD = 8192
_CURE = "export it as CSV or as a workbook"
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_OTHERS = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "packed by gzip: drop it with a name that ends in .gz, or unpack it",
    b"SQLite format 3\0": 'a database of SQLite: read it with type = "sql"',
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"{\\rtf": "a text document",
    b"Rar!": "a packed archive: unpack it",
    b"7z\xbc\xaf": "a packed archive: unpack it",
}
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
_ZIPPED = (".xlsx", ".xlsm", ".xlsb", ".ods")


class FileKind(Enum):
    """What a file is, whatever its name."""

    TEXT = "text"
    WORKBOOK = "workbook"  # of any spreadsheet, packed or binary
    PAGE = "page"  # HTML with a table
    SPREADSHEET_XML = "spreadsheet_xml"  # Excel 2003's XML


def kind_of(path: Path) -> FileKind:
    """Return what a file is.

    Raises:
        UnreadableFile: it is something that holds no table, named in the message.
        CutFile: it goes by a workbook's name and is empty: the rest is still to come.
        OSError: it cannot be read.

    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_WORKBOOKS):
        return FileKind.WORKBOOK
    if not head and path.name.lower().endswith(_ZIPPED):
        raise CutFile("it is no workbook, or a part of one")
    for mark, name in _OTHERS.items():
        if head.startswith(mark):
            raise UnreadableFile(f"it is {name}" if ":" in name else f"it is {name}: {_CURE}")
    return _of_text(head)


def _of_text(head: bytes) -> FileKind:
    encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "latin-1")
    text = head.decode(encoding, errors="ignore").lstrip("\ufeff \t\r\n").lower()
    if text.startswith("<"):
        if _SPREADSHEET in text:
            return FileKind.SPREADSHEET_XML
        if any(tag in text for tag in ("<html", "<table", "<!doctype html", "<body", "<meta")):
            return FileKind.PAGE
        raise UnreadableFile(f'it is XML: read it with type = "poslog" where it is a POSLog, else {_CURE}')
    if text.startswith(("{", "[")) and text[1:].lstrip()[:1] in ('"', "{", "[", "}", "]"):
        raise UnreadableFile(
            f'it is JSON: read it with type = "jsonl" where each line is a sale of our own form, else {_CURE}'
        )
    if text.startswith("mime-version:"):
        raise UnreadableFile(f"it is a web page saved by a spreadsheet (MHTML): {_CURE}")
    return FileKind.TEXT
