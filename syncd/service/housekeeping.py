"""What drops out of the ledger once it is old: look-ups, alerts of what happened once, documents and history."""

from __future__ import annotations

from datetime import timedelta

from syncd.app import App
from syncd.ledger import HAPPENED
from syncd.logs import get_logger

_CACHE_KEPT = timedelta(days=2)
_SHOWN_FOR = timedelta(days=2)  # what happened once


def drop_what_is_old(app: App) -> None:
    """Drop what the look-up cache no longer needs, and the documents and history that the config does not keep.

    Raises:
        LedgerError: the ledger cannot be written.

    """
    now, keep, ledger = app.clock.now(), app.config.ledger, app.ledger
    ledger.catalog.prune_lookups(now - _CACHE_KEPT)
    ledger.state.drop_older("quota", now - _CACHE_KEPT)
    ledger.alerts.end_older(HAPPENED, now - _SHOWN_FOR)
    if keep.keep_documents is not None and (gone := ledger.maintenance.forget_documents(now - keep.keep_documents)):
        get_logger().info("documents_dropped", sales=gone, older_than=(now - keep.keep_documents).isoformat())
    if gone := ledger.maintenance.forget_history(now - keep.keep_history):
        get_logger().info("history_dropped", rows=gone, older_than=(now - keep.keep_history).isoformat())
