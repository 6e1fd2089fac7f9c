"""Keeps a daemon small: the C library would give each thread a heap of its own, of which hardly anything is ever given back."""

from __future__ import annotations

import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of https://man7.org/linux/man-pages/man3/mallopt.3.html


def share_one_heap() -> None:
    """Let all threads share one heap: Python's lock lets one of them allocate at a time anyway. Nothing happens without glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
