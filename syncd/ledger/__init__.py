"""The ledger: the database that knows every sale's state. Knows no POS and no BigCommerce.

Other rooms import from here alone, and reach its tables through the repositories of ``Ledger``.
"""

from syncd.ledger.accounts import Account, ApiToken, SessionRow
from syncd.ledger.actions import DecisionResult, why_not
from syncd.ledger.activity import SLOT, SlotActivity
from syncd.ledger.alerts import BEGUN_ANEW, HAPPENED, SERVER_CHANGED, WOUND_BACK, Alert, Untold
from syncd.ledger.attempts import ReplyInfo
from syncd.ledger.backfills import Backfill, Estimate, Progress
from syncd.ledger.catalog import Code, MirrorRow, MirrorWalk
from syncd.ledger.faults import FaultRow
from syncd.ledger.lease import Lease
from syncd.ledger.ledger import Ledger
from syncd.ledger.log_rows import LogRow
from syncd.ledger.outbox import OutboxBacklog, OutboxMessage
from syncd.ledger.overviews import Attempted, Reason, Sides, place_of
from syncd.ledger.record import Recorded, RecordOptions
from syncd.ledger.renaming import Renaming
from syncd.ledger.sales import AttemptRow, AuditRow, Lag, Story
from syncd.ledger.selection import Selection
from syncd.ledger.sources import KnownSource
from syncd.ledger.state import EVER
from syncd.ledger.stores import DOUBLED, Pausing, StoreState
from syncd.ledger.turns import DueStore, DueWork, SourceTurn
from syncd.ledger.upgrade_process import upgrade_apart

__all__ = [
    "BEGUN_ANEW",
    "DOUBLED",
    "EVER",
    "HAPPENED",
    "SERVER_CHANGED",
    "SLOT",
    "WOUND_BACK",
    "Account",
    "Alert",
    "ApiToken",
    "AttemptRow",
    "Attempted",
    "AuditRow",
    "Backfill",
    "Code",
    "DecisionResult",
    "DueStore",
    "DueWork",
    "Estimate",
    "FaultRow",
    "KnownSource",
    "Lag",
    "Lease",
    "Ledger",
    "LogRow",
    "MirrorRow",
    "MirrorWalk",
    "OutboxBacklog",
    "OutboxMessage",
    "Pausing",
    "Progress",
    "Reason",
    "RecordOptions",
    "Recorded",
    "Renaming",
    "ReplyInfo",
    "Selection",
    "SessionRow",
    "Sides",
    "SlotActivity",
    "SourceTurn",
    "StoreState",
    "Story",
    "Untold",
    "place_of",
    "upgrade_apart",
    "why_not",
]
