"""The ledger: the database that knows every sale's state. Knows no POS and no BigCommerce."""

from syncd.ledger.actions import DecisionResult
from syncd.ledger.alerts import Alert
from syncd.ledger.attempts import ReplyInfo
from syncd.ledger.lease import Lease
from syncd.ledger.ledger import Ledger
from syncd.ledger.mirror import Code, MirrorWalk
from syncd.ledger.mirror import MirrorRow as MirrorRow
from syncd.ledger.queries import AttemptRow, Lag, Selection, Story
from syncd.ledger.record import Recorded, RecordOptions

__all__ = [
    "Alert",
    "AttemptRow",
    "Code",
    "DecisionResult",
    "Lag",
    "Lease",
    "Ledger",
    "MirrorRow",
    "MirrorWalk",
    "RecordOptions",
    "Recorded",
    "ReplyInfo",
    "Selection",
    "Story",
]
