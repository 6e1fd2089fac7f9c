"""The right half of the flow: from the ledger into BigCommerce. The only room that knows both."""

from syncd.push.books import Books, Days, Group, audit, sums
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
    "Books",
    "CatchUp",
    "Circuit",
    "Currencies",
    "Days",
    "Group",
    "Matcher",
    "Nightly",
    "PushReport",
    "PushSetup",
    "Pusher",
    "Rebuilt",
    "ReconcileReport",
    "Reconciler",
    "Remotes",
    "Span",
    "audit",
    "differences",
    "rebuild",
    "sums",
]
