"""The exports that we know, one module each, found by name; others come with a package (entry points ``syncd.csv_presets``)."""

from __future__ import annotations

import pkgutil
from contextlib import closing
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from syncd.errors import UsageError
from syncd.sources.csv.opening import opened
from syncd.sources.csv.preset import Preset
from syncd.sources.csv.rows import UnreadableFile
from syncd.sources.csv.settings import CsvSettings

GROUP = "syncd.csv_presets"


@cache
def names() -> tuple[str, ...]:
    """Every preset that there is."""
    own = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted({*own, *(point.name for point in entry_points(group=GROUP))}))


@cache
def preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        UsageError: there is none, or its package is broken.

    """
    if name not in names():
        raise UsageError(f"must be one of {', '.join(names())}")
    others = {point.name: point for point in entry_points(group=GROUP)}
    try:
        found = others[name].load() if name in others else import_module(f"{__name__}.{name}").PRESET
    except (ImportError, AttributeError) as error:
        raise UsageError(f"the preset {name} cannot be loaded: {error}") from error
    if not isinstance(found, Preset):
        raise UsageError(f"the preset {name} is no Preset")
    return found


def looks_like(file: Path, settings: CsvSettings) -> str:
    """The name of the preset whose export a file seems to be; empty where it is none that we know."""
    for one in map(preset, names()):
        if one.name == settings.preset or one.headings:
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
