"""While modules are loaded the collector looks for no garbage among them: that took a fifth of a short command's time."""

from __future__ import annotations

import gc

_RARELY = 100_000
_usual = gc.get_threshold()


def begin() -> None:
    """Begin to load a command."""
    gc.set_threshold(_RARELY)


def done() -> None:
    """End loading: what is there by now stays, and garbage is looked for as usual from here on, not in there."""
    gc.freeze()
    gc.set_threshold(*_usual)
