"""Sales that wait for one reason, in words: how many, what they come to, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b

from msgspec import Struct

from syncd.canonical.money import format_money
from syncd.formatting import count
from syncd.ledger import FaultRow, Ledger, Reason
from syncd.sale.reasons import ReasonKind
from syncd.sale.states import State

_LONGEST = 300
COMMANDS = {State.HELD: "syncd sales --state held", State.REJECTED: "syncd sales --state rejected"}


def fault_words(source: str, number: int, newest: FaultRow | None) -> str:
    """Return how many records of a source could not be read, with the file and the reason of the newest."""
    words = f"{count(number, 'record')} of {source} could not be read"
    if newest is None:
        return words
    such = ": " if number == 1 else ", the newest: "
    return f"{words}{such}{newest.where}: {newest.reason}"[:_LONGEST]


def newest_faults(ledger: Ledger) -> dict[str, FaultRow]:
    """Return the newest open fault of each source that has any."""
    found = {source: ledger.sources.faults(source, limit=1) for source in ledger.sources.open_faults()}
    return {source: rows[0] for source, rows in found.items() if rows}


class ReasonGroup(Struct, frozen=True):
    """Sales that wait for the same reason, whatever their store."""

    state: State
    group: str
    reasons: tuple[Reason, ...]

    @property
    def name(self) -> str:
        """A short name for addresses, which tells nothing of the reason."""
        return blake2b(f"{self.state}\0{self.group}".encode(), digest_size=8).hexdigest()

    @property
    def kind(self) -> ReasonKind:
        """What is known of such reasons."""
        return self.reasons[0].kind

    @property
    def number(self) -> int:
        """How many sales they are."""
        return sum(one.number for one in self.reasons)

    @property
    def totals(self) -> dict[str, Decimal]:
        """What they come to, by currency."""
        found: dict[str, Decimal] = {}
        for one in self.reasons:
            for currency, total in one.totals.items():
                found[currency] = found.get(currency, Decimal(0)) + total
        return found

    @property
    def span(self) -> tuple[datetime, datetime]:
        """When the first and the last of them were sold."""
        return min(one.oldest for one in self.reasons), max(one.newest for one in self.reasons)

    @property
    def words(self) -> str:
        """What is wrong: of one sale in its own words, of several in the words of their kind, where these say enough."""
        first = self.reasons[0]
        return first.words if len(self.reasons) == 1 or first.kind.by_words else first.kind.many

    @property
    def help(self) -> str:
        """What to do about it."""
        return self.reasons[0].help if len(self.reasons) == 1 else self.kind.do

    @property
    def whose(self) -> str:
        """The store, or how many stores they are of."""
        return self.reasons[0].store if len(self.reasons) == 1 else count(len(self.reasons), "store")


def grouped(reasons: Iterable[Reason]) -> list[ReasonGroup]:
    """Return the reasons of all stores, each once, the most frequent first."""
    found: dict[tuple[State, str], list[Reason]] = {}
    for one in reasons:
        found.setdefault((one.state, one.group), []).append(one)
    groups = [ReasonGroup(state, group, tuple(some)) for (state, group), some in found.items()]
    return sorted(groups, key=lambda one: (one.state is not State.REJECTED, -one.number, one.group))


def reason_words(reason: Reason) -> str:
    """Return how many sales of a store wait, of what sum, and why: in the words of one sale, or of all of them."""
    return group_words(ReasonGroup(reason.state, reason.group, (reason,)))


def group_words(group: ReasonGroup) -> str:
    """Return how many sales wait, of which store or of how many, of what sum, and why."""
    many = f"{count(group.number, 'sale')} of {group.whose}, {money(group.totals)}"
    waits = "rejected" if group.state is State.REJECTED else "waiting for your decision"
    return f"{many}, {waits}: {group.words}"


def reason_help(reason: Reason) -> str:
    """Return what to do about such sales, with the command that shows them where they are several."""
    return reason.help if reason.number == 1 else f"{reason.help} See: {COMMANDS[reason.state]}"


def money(totals: Mapping[str, Decimal]) -> str:
    """``54.00 USD and 12.00 CAD``."""
    return " and ".join(format_money(total, currency) for currency, total in sorted(totals.items()))
