"""Tells which type of source reads a file that is no table: JSON Lines of our own form, POSLogs; and what the others are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

from syncd.errors import UsageError

_HEAD = 256 * 1024
_DUMP = re.compile(r"^(?:CREATE TABLE|INSERT INTO|DROP TABLE|COPY )", re.IGNORECASE | re.MULTILINE)
_TABLES = (("ospos_sales", "opensourcepos"), ("ticketlines", "unicenta"), ("pos_order", "odoo"))

What = Literal["jsonl", "poslog", "table"]


def what_is(file: Path) -> What:
    """Which type of source reads a file; ``table`` for all that may be one.

    Raises:
        UsageError: it is something that no source reads as a file, with what to do instead.

    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_HEAD).decode("utf-8-sig", errors="replace").lstrip()
    except OSError as error:
        raise UsageError(f"{file.name} cannot be read: {error.strerror}") from None
    if text.startswith("<?xml") or text[:1] == "<":
        return _of_xml(file, text)
    if text[:1] in ("{", "[") and (text[1:].lstrip()[:1] in ('"', "{", "[", "}", "]")):
        return _of_json(file, text)
    if _DUMP.search(text) and ";" in text:
        known = next((preset for name, preset in _TABLES if name in text.lower()), "")
        which = f'preset = "{known}"' if known else "queries of your own"
        raise UsageError(
            f"{file.name} is a dump of a database, and its sales are read from the database itself",
            f'Use type = "sql" with {which}: docs/sources/sql.md.',
        )
    return "table"


def _of_xml(file: Path, text: str) -> What:
    if re.search(r"<(?:\w{1,20}:)?POSLog\b", text):
        return "poslog"
    if "urn:schemas-microsoft-com:office:spreadsheet" in text or re.search(
        r"<(?:html|table|!doctype html)", text, re.IGNORECASE
    ):
        return "table"
    raise UsageError(
        f"{file.name} is XML, and no POSLog",
        "Export CSV, a workbook or a POSLog (ARTS) instead, or write an adapter: docs/adapter.md.",
    )


def _of_json(file: Path, text: str) -> What:
    first = text.partition("\n")[0]
    try:
        said = json.loads(first)
    except ValueError:
        said = None
    if isinstance(said, dict) and {"sale_id", "lines"} <= said.keys():
        return "jsonl"
    raise UsageError(
        f"{file.name} is JSON of a form of its own",
        'Where the POS has an API that answers such documents, type = "rest" reads it: docs/sources/rest.md.'
        " Files can be JSON Lines, a canonical sale a line: docs/sources/jsonl.md.",
    )
