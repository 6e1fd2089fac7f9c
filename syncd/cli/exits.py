"""The exit codes, and the only map from errors to them. Treat any code that is not listed here as a failure."""

from __future__ import annotations

from enum import IntEnum

from syncd.errors import ConfigError, LedgerError, SourceError, StoreError, SyncdError, UsageError


class Exit(IntEnum):
    """What a command's exit code means."""

    OK = 0
    ATTENTION = 1  # done, but some sales need a person
    USAGE = 2  # wrong usage or configuration
    REMOTE = 3  # a store or a source is unreachable or refused us
    LEDGER = 4  # the ledger is locked, corrupt, full or too new
    BUG = 70  # something that nobody foresaw: a report was saved
    INTERRUPTED = 130


def code_for(error: SyncdError) -> Exit:
    """Return the exit code of an error that ends a command."""
    match error:
        case ConfigError() | UsageError():
            return Exit.USAGE
        case StoreError() | SourceError():
            return Exit.REMOTE
        case LedgerError():
            return Exit.LEDGER
        case _:
            return Exit.ATTENTION
