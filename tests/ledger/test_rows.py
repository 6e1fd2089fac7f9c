"""The one map between a sale and its row."""

from __future__ import annotations

from syncd.ledger.rows import COLUMNS
from syncd.ledger.schema import sales

_OF_THE_LEDGER = {"id", "backfill", "sent_as"}  # given by the database, by who asked for the sale, and by a claim


def test_every_column_of_a_sale_is_in_the_map_once() -> None:
    names = [one.name for one in COLUMNS]
    assert sorted(names) == sorted({column.name for column in sales.c} - _OF_THE_LEDGER)
