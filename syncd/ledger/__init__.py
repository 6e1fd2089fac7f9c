"""The ledger: the database that knows every sale's state. Knows no POS and no BigCommerce."""

from syncd.ledger.actions import Moved
from syncd.ledger.alerts import Alert
from syncd.ledger.decisions import Decision, Decisions, Verb
from syncd.ledger.facts import Belief, Doubt, Known, Objection, Standing, There
from syncd.ledger.lease import Lease
from syncd.ledger.ledger import Ledger
from syncd.ledger.mirror import Code, Walk
from syncd.ledger.mirror import Row as MirrorRow
from syncd.ledger.queries import AttemptRow, Lag, Selection, Story
from syncd.ledger.record import Recorded
from syncd.ledger.sale import (
    Attempt,
    Intent,
    Judge,
    ReplyInfo,
    Router,
    Said,
    Sale,
    linked,
    new_sale,
    read_document,
    saying,
)
from syncd.ledger.states import Kind, Lane, State
from syncd.ledger.trail import UNTOUCHED, Trail

__all__ = [
    "UNTOUCHED",
    "Alert",
    "Attempt",
    "AttemptRow",
    "Belief",
    "Code",
    "Decision",
    "Decisions",
    "Doubt",
    "Intent",
    "Judge",
    "Kind",
    "Known",
    "Lag",
    "Lane",
    "Lease",
    "Ledger",
    "MirrorRow",
    "Moved",
    "Objection",
    "Recorded",
    "ReplyInfo",
    "Router",
    "Said",
    "Sale",
    "Selection",
    "Standing",
    "State",
    "Story",
    "There",
    "Trail",
    "Verb",
    "Walk",
    "linked",
    "new_sale",
    "read_document",
    "saying",
]
