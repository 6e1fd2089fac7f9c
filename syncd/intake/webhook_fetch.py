"""Fetch the sales that webhooks announced: one by one, recorded, and only then struck off."""

from __future__ import annotations

import threading

from syncd.errors import SourceError
from syncd.intake.poll import PollReport, record_all
from syncd.ledger import Ledger, RecordOptions
from syncd.logs import bind, get_logger
from syncd.sources import FetchesOne

_AT_ONCE = 50


def fetch_announced(source: FetchesOne, options: RecordOptions, ledger: Ledger, stop: threading.Event) -> PollReport:
    """Fetch the sales that are due, and record them; what is not there yet is asked for again later.

    Raises:
        SourceError: the source cannot be read; what was not fetched stays due.
        LedgerError: the ledger cannot be written.

    """
    done = PollReport()
    with bind(source=options.source):
        for sale in ledger.sources.announced(options.source, _AT_ONCE):
            if stop.is_set():
                break
            try:
                batch = source.fetch_one(sale)
            except SourceError:
                ledger.sources.fetch_later(options.source, sale)
                raise
            if batch is None:
                ledger.sources.fetch_later(options.source, sale)
                get_logger().info("sale_not_there_yet", sale=options.key_of(sale))
                continue
            done = done.merge(record_all(iter((batch,)), options, ledger, stop))
            ledger.sources.fetched(options.source, [sale])
    return done
