"""The ledger: the database that knows every sale's state. Knows no POS and no BigCommerce."""

from syncd.ledger.actions import Moved
from syncd.ledger.lease import Lease
from syncd.ledger.ledger import Ledger
from syncd.ledger.queries import AttemptRow, Lag, Selection, Story
from syncd.ledger.record import Recorded
from syncd.ledger.sale import Attempt, Doubt, Intent, Known, Looked, ReplyInfo, Route, Router, Sale, read_document
from syncd.ledger.states import Kind, Lane, State

__all__ = [
    "Attempt",
    "AttemptRow",
    "Doubt",
    "Intent",
    "Kind",
    "Known",
    "Lag",
    "Lane",
    "Lease",
    "Ledger",
    "Looked",
    "Moved",
    "Recorded",
    "ReplyInfo",
    "Route",
    "Router",
    "Sale",
    "Selection",
    "State",
    "Story",
    "read_document",
]
