"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Config file; else SYNCD_CONFIG, ./syncd.toml, /etc/syncd/syncd.toml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.")]
Keys = Annotated[list[str] | None, typer.Argument(help="Sale keys; or choose sales with the options.")]
StateOption = Annotated[
    str | None,
    typer.Option("--state", help="Only sales in this state: held, pending, rejected, synced, unknown, skipped."),
]
SourceOption = Annotated[str | None, typer.Option("--source", help="Only sales of this source.")]
TextOption = Annotated[str | None, typer.Option("--error", help="Only sales whose reason contains this text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which sales they are.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, whatever the number.")]
DayOption = Annotated[str | None, typer.Option("--day", help="Only sales placed on this day (UTC), e.g. 2026-11-23.")]
