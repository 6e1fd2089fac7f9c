"""Presets by name: our own modules of a package, and others' by entry point."""

from __future__ import annotations

import pkgutil
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from syncd.errors import UsageError

P = TypeVar("P")


class Presets(Generic[P]):
    """The presets of one kind: each is one module of ``package`` that holds it as ``PRESET``, or an entry point of ``group``."""

    def __init__(self, kind: type[P], package: str, group: str) -> None:
        self._kind, self._package, self._group = kind, package, group
        self._loaded: dict[str, P] = {}

    @cached_property
    def _others(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self._group)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every preset that there is."""
        own = (module.name for module in pkgutil.iter_modules(import_module(self._package).__path__))
        return tuple(sorted({*own, *self._others}))

    def get(self, name: str) -> P:
        """Return the preset of a name; imported on first use.

        Raises:
            UsageError: there is none, or its package is broken.

        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> P:
        if name not in self.names:
            raise UsageError(f"must be one of {', '.join(self.names)}")
        try:
            other = self._others.get(name)
            found = other.load() if other else import_module(f"{self._package}.{name}").PRESET
        except (ImportError, AttributeError) as error:
            raise UsageError(f"the preset {name} cannot be loaded: {error}") from error
        if not isinstance(found, self._kind):
            raise UsageError(f"the preset {name} is no Preset")
        return found
