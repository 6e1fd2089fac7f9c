"""Sales that wait for one reason, in words: how many, what they come to, why, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from syncd.canonical.money import format_money
from syncd.formatting import count
from syncd.ledger.overviews import Reason
from syncd.sale.states import State

COMMANDS = {State.HELD: "syncd sales --state held", State.REJECTED: "syncd sales --state rejected"}


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
