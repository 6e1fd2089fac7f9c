"""Sales that wait for one reason, in words: how many, what they come to, why, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from syncd.canonical.money import format_money
from syncd.formatting import count
from syncd.ledger import FaultRow, Ledger, Reason
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


def reason_words(reason: Reason) -> str:
    """Return how many sales wait, of what sum, and why: in the words of one sale, or of all of them."""
    many = f"{count(reason.number, 'sale')} of {reason.store}, {money(reason.totals)}"
    waits = "rejected" if reason.state is State.REJECTED else "waiting for your decision"
    return f"{many}, {waits}: {reason.words}"


def reason_help(reason: Reason) -> str:
    """Return what to do about such sales, with the command that shows them where they are several."""
    return reason.help if reason.number == 1 else f"{reason.help} See: {COMMANDS[reason.state]}"


def money(totals: Mapping[str, Decimal]) -> str:
    """``54.00 USD and 12.00 CAD``."""
    return " and ".join(format_money(total, currency) for currency, total in sorted(totals.items()))
