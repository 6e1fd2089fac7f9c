"""The exports that we know, one module each, found by name; others come with a package (entry points ``syncd.csv_presets``)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from syncd.sources.csv.opening import opened
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import UnreadableFile
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.preset_registry import Presets

GROUP = "syncd.csv_presets"
PRESETS = Presets(CsvPreset, __name__, GROUP)


def names() -> tuple[str, ...]:
    """Every preset that there is."""
    return PRESETS.names


def preset(name: str) -> CsvPreset:
    """Return the preset of a name.

    Raises:
        UsageError: there is none, or its package is broken.

    """
    return PRESETS.get(name)


def looks_like(file: Path, settings: CsvSettings) -> str:
    """Return the name of the preset whose export a file seems to be; empty where it is none that we know."""
    for one in map(preset, names()):
        if one.name == settings.preset or not one.telling:
            continue
        try:
            with closing(opened(file, one, settings)) as tables:
                next(tables)
        except UnreadableFile:
            continue
        except (OSError, UnicodeError):
            return ""
        return one.name
    return ""
