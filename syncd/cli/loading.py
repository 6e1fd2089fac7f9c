"""When the collector looks for garbage: not among modules while they are loaded, and seldom afterwards.

Looking among modules took a fifth of a short command's time; looking after every 700 new objects, as Python does of itself, a sixth
of recording, whose objects end with their batch.
"""

from __future__ import annotations

import gc

_RARELY = 1_000_000
_AT_WORK = (10_000, 10, 10)


def begin() -> None:
    """Begin to load a command."""
    gc.set_threshold(_RARELY)


def done() -> None:
    """End loading: what is there by now stays, and garbage is looked for from here on, not in there."""
    gc.freeze()
    gc.set_threshold(*_AT_WORK)
