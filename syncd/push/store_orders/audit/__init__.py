"""Reconciles the books of a store: both sides' figures by business day, and every difference with its cause.

``cases`` reads both sides, ``figures`` adds them up, ``causes`` says why they differ, ``report`` puts it together.
"""

from syncd.push.store_orders.audit.causes import AuditDifference
from syncd.push.store_orders.audit.days import Days
from syncd.push.store_orders.audit.figures import AuditFigures, Key, Missing, Side, by_currency
from syncd.push.store_orders.audit.report import AuditReport, audit

__all__ = ["AuditDifference", "AuditFigures", "AuditReport", "Days", "Key", "Missing", "Side", "audit", "by_currency"]
