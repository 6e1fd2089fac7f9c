"""Creates or upgrades a ledger's tables in a process of its own: what a migration loads (10 MB) does not stay with a daemon."""

from __future__ import annotations

import subprocess
import sys

from syncd.clock import SystemClock
from syncd.errors import ConfigError, LedgerError, TooOld
from syncd.ledger import upgrade
from syncd.ledger.engine import Engines, translated


def upgrade_apart(url: str) -> None:
    """Bring a ledger to this program's schema in another process, where it is not there yet.

    Nothing is said here: what goes wrong is met again, and told, by whoever opens the ledger next.
    """
    if _needs_it(url):
        words = [sys.executable, "-c", "from syncd.ledger.upgrade_process import main; raise SystemExit(main())"]
        # By standard input: the address may hold a password, and others see a command line.
        subprocess.run(words, input=url, text=True, stderr=subprocess.DEVNULL, check=False)  # noqa: S603  our own module


def _needs_it(url: str) -> bool:
    try:
        engines = Engines(url)
        if engines.path is not None and not engines.path.exists():
            return True
        try:
            with translated(""):
                upgrade.check(engines, "")
        finally:
            engines.dispose()
    except TooOld:
        return True
    except (LedgerError, ConfigError):
        pass  # whoever opens it tells
    return False


def main() -> int:
    """Upgrade the ledger whose address is on standard input; 1 where that failed."""
    try:
        engines = Engines(sys.stdin.read())
        engines.prepare_file()
        with translated(""):
            upgrade.to_head(engines, "", SystemClock())
    except (LedgerError, ConfigError):
        return 1
    return 0
