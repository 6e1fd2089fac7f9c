"""The ledger's upkeep: what is old drops out of it, and sales from before there was an index of words are added to that."""

from __future__ import annotations

from datetime import timedelta

from syncd.app import App
from syncd.ledger import HAPPENED
from syncd.logs import get_logger
from syncd.service.events import KEPT

_CACHE_KEPT = timedelta(days=2)
_SHOWN_FOR = timedelta(days=2)  # what happened once
_FILL_S = 300.0  # for the index of words at a time: a million sales take some minutes


def keep_house(app: App) -> None:
    """Drop what the look-up cache no longer needs, and the documents and history that the config does not keep; fill the index.

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
    ledger.accounts.drop_ended()
    if app.config.events.url is None:
        ledger.outbox.drop()  # nobody is to hear of them any more
    elif gone := ledger.outbox.drop(now - KEPT):
        get_logger().warning("events_dropped", events=gone, why="nobody took them for a week")
    until = app.clock.elapsed().seconds + _FILL_S
    if added := ledger.maintenance.fill_search(lambda: not app.stop.is_set() and app.clock.elapsed().seconds < until):
        get_logger().info("sales_indexed", sales=added)
