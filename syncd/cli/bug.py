"""A report of what nobody foresaw, for whoever mends it: no secret in it, and no sale."""

from __future__ import annotations

import platform
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from syncd import __version__
from syncd.clock import SystemClock
from syncd.logs import redact


def save_report(error: BaseException, words: Sequence[str]) -> Path:
    """Write the report into the folder for temporary files, readable by its owner alone; its path."""
    lines = [
        f"syncd {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {' '.join(words)}",
    ]
    lines += [line for part in traceback.format_exception(error) for line in part.splitlines()]
    stamp = f"{SystemClock().now():%Y%m%dT%H%M%SZ}"
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix=f"syncd-bug-{stamp}-", suffix=".txt", delete=False
    ) as file:
        file.write("\n".join(map(redact, lines)) + "\n")
    return Path(file.name)
