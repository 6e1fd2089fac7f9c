"""The indexes that hold only the rows which their query walks, so that millions of synced sales cost the pusher nothing.

Apart from the tables: SQLAlchemy loads every dialect that an index has words for, and only migrations make indexes.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from syncd.ledger.schema import alerts, attempts, faults, sales

_PARTIAL = (
    ("sales_due", sales, ("store", "lane", "placed_at", "id"), "state = 'pending'", False),
    ("sales_open", sales, ("state", "store", "next_attempt_at"), "state <> 'synced'", False),
    ("sales_of_backfill", sales, ("backfill", "state"), "backfill is not null", False),
    (
        "sales_due_of_backfill",
        sales,
        ("backfill", "store", "placed_at", "id"),
        "state = 'pending' and lane = 'backfill'",
        False,
    ),
    ("sales_by_reason", sales, ("state", "reason"), "reason <> ''", False),
    ("sales_number", sales, ("number",), "number is not null", False),
    ("sales_waiting", sales, ("store", "recorded_at"), "state = 'pending'", False),
    ("sales_in_checkout", sales, ("store",), "checkout is not null and state = 'pending'", False),
    ("sales_sent_as", sales, ("sent_as",), "sent_as is not null", False),
    ("sales_returned", sales, ("returns_of",), "returns_of is not null", False),
    ("sales_refunded_on", sales, ("store", "refunded_on"), "refunded_on is not null", False),
    ("sales_of_order", sales, ("store", "order_id"), "order_id is not null", False),
    ("one_open_attempt", attempts, ("sale_id",), "settled_at is null", True),
    ("attempts_of_order", attempts, ("order_id",), "order_id is not null", False),
    ("faults_open", faults, ("source", "sale_key"), "settled_at is null", False),
    ("alerts_untold", alerts, ("id",), "ended_at is null and told_at is null", False),
    ("alerts_over_untold", alerts, ("id",), "ended_at is not null and over_told_at is null", False),
    ("one_open_alert", alerts, ("store", "kind", "subject"), "ended_at is null", True),
)

INDEXES = [
    Index(
        name,
        *(table.c[column] for column in columns),
        unique=unique,
        sqlite_where=text(rows),
        postgresql_where=text(rows),
    )
    for name, table, columns, rows, unique in _PARTIAL
]
"""Attached to their tables as this module is loaded."""
