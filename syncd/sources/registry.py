"""Finds adapters by entry point (group ``syncd.sources``), so that a shop's own is a pip install away."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from syncd.errors import UsageError
from syncd.extras import extra_of, install_command

GROUP = "syncd.sources"


@cache
def _found() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def known() -> list[str]:
    """Return the adapter types that are installed."""
    return sorted(_found())


def packages() -> dict[str, str]:
    """Return the package and version that each adapter type comes from."""
    found = {}
    for name, point in sorted(_found().items()):
        found[name] = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    return found


def load(kind: str) -> Any:  # noqa: ANN401  a class with ``Settings`` that takes (settings, context) and is a Source
    """Return the adapter class of a source type; imported on first use.

    Raises:
        UsageError: there is no such type, or its package is broken.

    """
    point = _found().get(kind)
    if point is None:
        raise UsageError(
            f"must be one of {', '.join(known())}", "A type that is not there may need a package of its own."
        )
    try:
        return point.load()
    except ModuleNotFoundError as error:
        if (extra := extra_of(error.name)) is not None:
            raise UsageError(
                f"needs the extra {extra}, which is not installed; install it: {install_command([extra])}"
            ) from None
        raise UsageError(f"the adapter {kind} ({point.value}) cannot be loaded: {error}") from error
    except (ImportError, AttributeError) as error:
        raise UsageError(f"the adapter {kind} ({point.value}) cannot be loaded: {error}") from error


class UnknownKind(UsageError):
    """A table names something else by ``key`` that there is none of."""

    def __init__(self, key: str, what: str, cure: str = "") -> None:
        super().__init__(what, cure)
        self.key = key


def settings_of(table: Mapping[str, Any]) -> type[BaseModel]:
    """Return the settings model of a source's table: its adapter's, which may hang on what else the table says (a preset).

    Raises:
        UsageError: there is no such type (or preset), or its package is broken.

    """
    adapter = load(table["type"])
    if not hasattr(adapter, "settings_for"):
        model: type[BaseModel] = adapter.Settings
        return model
    try:
        chosen: type[BaseModel] = adapter.settings_for(table)
    except UsageError as error:
        raise UnknownKind("preset", error.what, error.cure) from error
    return chosen
