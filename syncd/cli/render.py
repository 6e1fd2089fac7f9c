"""What commands print: aligned columns for people at 80 columns, tabs for programs that read lines, and JSON."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path

import typer
from msgspec import Struct
from msgspec.structs import asdict
from rich.console import Console

from syncd.canonical import CanonicalOrder
from syncd.durations import format_duration

out = Console(highlight=False, soft_wrap=True, emoji=False)
notes = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
_MOST_PADDING = 40
_NUMBER = re.compile(r"-?[\d,.]+")


def print_json(value: object) -> None:
    """One JSON document; amounts and times as text."""
    typer.echo(json.dumps(value, default=plain, ensure_ascii=False, indent=2))


def plain(value: object) -> object:
    """Return the JSON form of what json itself does not know.

    Raises:
        TypeError: nobody has said what it looks like; a Python repr is nothing for programs.

    """
    match value:
        case CanonicalOrder():
            return json.loads(value.to_json())
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case timedelta():
            return format_duration(value)
        case Enum():
            return value.value
        case Struct():
            return asdict(value)
        case Mapping():
            return dict(value)
        case Path():
            return str(value)
        case _:
            msg = f"{type(value).__name__} has no JSON form"
            raise TypeError(msg)


def say(text: str, *, wrap: bool = True, hang: int = 2) -> None:
    """Print a line (or more), control characters written out. On a terminal long lines go on below, indented; no key is folded."""
    shown = safe(text)
    if wrap and out.is_terminal:
        shown = "\n".join(_wrapped(line, out.width, hang) for line in shown.split("\n"))
    out.print(shown, markup=False)


def _wrapped(line: str, width: int, hang: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=indent + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def columns(rows: Iterable[Sequence[object]], indent: str = "", head: Sequence[str] = ()) -> None:
    """Rows in aligned columns, numbers to the right; not on a terminal: one tab between cells, and the head as first row."""
    cells = [[safe(str(cell)) for cell in row] for row in ([head] if head else [])] + [
        [safe(str(cell)).replace("\n", " ") for cell in row] for row in rows
    ]
    if not out.is_terminal:
        for row in cells:
            typer.echo("\t".join(row))
        return
    widths = [min(_MOST_PADDING, max(map(len, column))) for column in zip(*cells, strict=True)]
    body = cells[1:] if head else cells
    numeric = [bool(body) and all(_NUMBER.fullmatch(row[n]) for row in body) for n in range(len(widths))]
    for row in cells:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        typer.echo(indent + "  ".join(padded).rstrip())


def safe(text: str) -> str:
    """``text`` with control characters written out: a name in a sales file must not drive the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)
