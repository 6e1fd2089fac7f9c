"""The right half of the flow: from the ledger into BigCommerce. The only room that knows both."""

from syncd.push.audit import Days, Report, Row, audit, by_currency
from syncd.push.catchup import CatchUp
from syncd.push.circuit import Circuit
from syncd.push.currencies import Currencies
from syncd.push.matching import Matcher, Remotes
from syncd.push.nightly import Nightly
from syncd.push.prepare import PushSetup
from syncd.push.pusher import Pusher, PushReport
from syncd.push.rebuild import Rebuilt, Span, differences, rebuild
from syncd.push.reconcile import Reconciler, ReconcileReport

__all__ = [
    "CatchUp",
    "Circuit",
    "Currencies",
    "Days",
    "Matcher",
    "Nightly",
    "PushReport",
    "PushSetup",
    "Pusher",
    "Rebuilt",
    "ReconcileReport",
    "Reconciler",
    "Remotes",
    "Report",
    "Row",
    "Span",
    "audit",
    "by_currency",
    "differences",
    "rebuild",
]
