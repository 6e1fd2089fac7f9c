"""``syncd sandbox``: a local BigCommerce until it is interrupted."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncd.errors import UsageError


def run_sandbox(options: Mapping[str, Any]) -> None:
    """Serve with the options of the command.

    Raises:
        UsageError: the port is taken, or a file cannot be used.

    """
    from syncd.sandbox import SandboxSettings, run_forever

    for name in ("catalog", "faults"):
        path: Path | None = options[name]
        if path is not None and not path.is_file():
            raise UsageError(f"--{name}: there is no file {path}")
    if options["stores"] > 1 and options["db"] is not None:
        raise UsageError("--db keeps the orders of one store, not of many", "Leave out --db, or --stores.")
    try:
        run_forever(SandboxSettings(**options))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"a file that an option names cannot be used: {error}", "Both are JSON: see docs/sandbox.md."
        ) from None
    except sqlite3.Error as error:
        raise UsageError(f"--db: {options['db']} cannot be opened: {error}") from None
    except OSError as error:
        where = f"{options['host']}:{options['port']}"
        raise UsageError(
            f"the sandbox cannot start at {where}: {error.strerror or error}", "Take another with --port."
        ) from None
