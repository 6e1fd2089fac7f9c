"""``python -m tests.like_macos WORDS``: the ``syncd`` command without what only Linux has, as macOS runs it."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import psutil


def take_away() -> None:
    """Take away the boot clock, the boot's UUID in /proc, inotify and Linux's socket flags."""
    del time.CLOCK_BOOTTIME
    for name in ("SOCK_CLOEXEC", "SOCK_NONBLOCK"):
        delattr(socket, name)
    kept: dict[str, object] = sys.modules  # type: ignore[assignment]  # None is what makes an import fail
    kept["inotify_simple"] = None
    for name, value in (("LINUX", False), ("MACOS", True)):
        setattr(psutil, name, value)
    from syncd import clock

    for name, place in (("_BOOT_ID", Path("/no/such/file")), ("_BOOT_ID_OF_MACOS", ("/bin/echo", "1C2B9E52-1B5B"))):
        setattr(clock, name, place)


if __name__ == "__main__":
    take_away()
    from syncd.cli.launch import main

    main("darwin")
