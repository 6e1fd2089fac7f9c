"""The shop's own Python: a function that may change a sale before it is mapped, named in the config as ``module:function``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from syncd.canonical import CanonicalOrder, check_balance
from syncd.errors import ConfigError, UsageError

Hook = Callable[[CanonicalOrder], CanonicalOrder]
_KEPT = ("sale_key", "currency", "total_inc_tax", "total_tax", "status", "returns_of")


@cache
def load_hook(name: str, folder: Path) -> Hook:
    """Load the function that ``name`` means, from modules beside the config file or installed ones.

    Raises:
        ConfigError: there is no such module or function.

    """
    module, _, function = name.partition(":")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, SyntaxError) as error:
        cure = f"Put {module}.py beside the config file, with a function {function}(order)."
        raise ConfigError(f"the hook {name!r} cannot be loaded: {error}", cure=cure) from None
    if not callable(found):
        raise ConfigError(f"the hook {name!r} is not a function")
    hook: Hook = found
    return hook


def run_hook(hook: Hook | None, order: CanonicalOrder) -> CanonicalOrder:
    """Run the hook on a sale; it may change what the order shows, but neither its key nor its money.

    Raises:
        UsageError: the hook failed, or gave back something else than that.

    """
    if hook is None:
        return order
    cure = f"Mend the hook, then: syncd release {order.sale_key}"
    try:
        changed = hook(order)
    except Exception as error:  # noqa: BLE001  the shop's own code: whatever it does, one sale is held and no other suffers
        raise UsageError(f"the hook fails on this sale ({type(error).__name__}: {error})", cure) from None
    if not isinstance(changed, CanonicalOrder):
        raise UsageError(f"the hook gave back {type(changed).__name__}, not a canonical order", cure)
    moved = [name for name in _KEPT if getattr(changed, name) != getattr(order, name)]
    if moved:
        raise UsageError(f"the hook changed {', '.join(moved)}, which it may not", cure)
    if problems := check_balance(changed):
        raise UsageError(f"after the hook it does not add up: {problems[0]}", cure)
    return changed
