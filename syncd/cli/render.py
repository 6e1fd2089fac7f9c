"""Tables and JSON on standard output; notes for people on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON document; amounts and times as text."""
    typer.echo(json.dumps(value, default=plain, ensure_ascii=False, indent=2))


def plain(value: object) -> object:
    """The JSON form of what json itself does not know."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return value.value
    return str(value)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()) -> Table:
    """A table whose cells are plain text: nothing in them is read as markup."""
    drawn = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        drawn.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(escape(safe(str(cell))) for cell in row))
    return drawn


def safe(text: str) -> str:
    """``text`` with control characters written out: a name in a sales file must not drive the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def when(at: datetime | None, now: datetime | None = None) -> str:
    """A time as people read it, relative to ``now`` as well where it is given."""
    if at is None:
        return "-"
    shown = at.strftime("%Y-%m-%d %H:%M:%S %z")
    return shown if now is None else f"{shown} ({ago((now - at).total_seconds())})"


def ago(seconds: float) -> str:
    """``4 min ago``, ``in 30 s``."""
    size = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if size >= length:
            text = f"{size / length:.0f} {unit}"
            break
    else:
        text = f"{size:.0f} s"
    return f"{text} ago" if seconds >= 0 else f"in {text}"
