"""The root of every error that syncd raises on purpose.

Each error says what happened, to what, and what to do about it. ``cli/exits.py`` alone maps classes to exit codes.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class SyncdError(Exception):
    """What happened (``args[0]``) and what to do about it (``cure``)."""

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure

    def __str__(self) -> str:
        """Return the message, followed by the cure where there is one."""
        return f"{self.what}\n  {self.cure}" if self.cure else self.what


class ConfigProblem(Struct, frozen=True):
    """One thing wrong with the configuration: the key, what was found there, and what is allowed."""

    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        """``key: found ...; allowed ...`` on one line."""
        found = f" (found {self.found})" if self.found else ""
        return f"{self.key}: {self.allowed}{found}"


class ConfigError(SyncdError):
    """The configuration cannot be used; ``problems`` lists everything that is wrong with it, at once."""

    def __init__(self, what: str, problems: Sequence[ConfigProblem] = (), cure: str = "") -> None:
        super().__init__(what, cure)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """Return the headline and one line for each problem."""
        lines = [self.what, *(f"  {problem}" for problem in self.problems)]
        return "\n".join([*lines, f"  {self.cure}"] if self.cure else lines)


class SecretMissing(ConfigError):
    """A secret that is needed now cannot be read from where the config says."""


class UsageError(SyncdError):
    """A command was called in a way that makes no sense."""


class SourceError(SyncdError):
    """A source could not be read at all (a single bad record is a ``Fault``, not an error)."""


class StoreError(SyncdError):
    """BigCommerce could not be read (writes return an ``Outcome`` instead)."""


class StoreUnavailable(StoreError):
    """No answer, or none that could be read."""


class StoreRejected(StoreError):
    """400, 404, 409, 422 and their like: BigCommerce does not take the question itself."""


class StoreAccessDenied(StoreError):
    """401 or 403: the token is wrong, revoked or lacks a scope."""


class StoreRateLimited(StoreError):
    """429: the store's quota is used up; ``reset_s`` says for how long, where the answer said so."""

    def __init__(self, what: str, cure: str = "", reset_s: float | None = None) -> None:
        super().__init__(what, cure)
        self.reset_s = reset_s


class Stopped(SyncdError):
    """syncd is stopping while it waited for its turn to speak to a store; nothing was sent."""


class LedgerError(SyncdError):
    """The ledger cannot be used."""


class WoundBack(LedgerError):
    """The rows of a ledger are of an earlier moment than this process knows: nothing is sent before the store was listed again."""


class Replaced(LedgerError):
    """The file of the ledger was removed, or another one was put in its place, while this process had it open."""


class NotListed(LedgerError):
    """It is not known yet what a store has: its orders were never listed for this ledger."""


class Busy(LedgerError):
    """Somebody else holds the ledger or the right to push."""


class LeaseTaken(Busy):
    """Another process has the right to push to a store: nothing is wrong, and this one stands by."""


class Full(LedgerError):
    """The ledger's disk is full or read-only."""


class Corrupt(LedgerError):
    """The ledger is damaged or is not a ledger."""


class TooOld(LedgerError):
    """The ledger has the tables of an older syncd, and whoever opens it may not upgrade them."""


class TooNew(LedgerError):
    """The ledger was written by a newer syncd."""
