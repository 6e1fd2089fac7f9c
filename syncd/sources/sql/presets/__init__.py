"""The schemas that we know, one module each, found by name; others come with a package (entry points ``syncd.sql_presets``)."""

from __future__ import annotations

from syncd.sources.preset_registry import Presets
from syncd.sources.sql.preset import SqlPreset

GROUP = "syncd.sql_presets"
PRESETS = Presets(SqlPreset, __name__, GROUP)


def names() -> tuple[str, ...]:
    """Every preset that there is."""
    return PRESETS.names


def preset(name: str) -> SqlPreset:
    """Return the preset of a name.

    Raises:
        UsageError: there is none, or its package is broken.

    """
    return PRESETS.get(name)
