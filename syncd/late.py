"""A package's names, loaded when they are first asked for (PEP 562): a command that only shows things waits for few modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def late_names(package: str, where: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """The ``__getattr__`` of a package: ``where`` says which names each of its modules holds.

    A name must not be that of a module of the package: the import system puts the module in its place.
    """
    module_of = {name: module for module, names in where.items() for name in names}

    def load(name: str) -> object:
        if name not in module_of:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(import_module(f"{package}.{module_of[name]}"), name)

    return load
