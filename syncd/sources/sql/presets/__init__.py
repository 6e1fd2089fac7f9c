"""The schemas that we know, one module each, found by name; others come with a package (entry points ``syncd.sql_presets``)."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from syncd.errors import UsageError
from syncd.sources.sql.preset import Preset

GROUP = "syncd.sql_presets"


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
