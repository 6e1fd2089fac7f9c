"""The till's own day of each sale, and the last day on which money of it was given back.

Revision ID: 0022
"""

import sqlalchemy as sa
from alembic import op

from syncd.canonical import CanonicalOrder

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_SQLITE = (
    "update sales set business_day = coalesce("
    " case when json_valid(document) then json_extract(document, '$.business_day') end,"
    " case when json_valid(document) then substr(json_extract(document, '$.placed_at'), 1, 10) end,"
    " date(placed_at / 1000000, 'unixepoch'))"
)
_POSTGRESQL = (
    "update sales set business_day = coalesce("
    ' substring(document from \'"business_day":"(\\d{4}-\\d{2}-\\d{2})"\'),'
    ' substring(document from \'"placed_at":"(\\d{4}-\\d{2}-\\d{2})\'),'
    " to_char(to_timestamp(placed_at / 1000000.0) at time zone 'UTC', 'YYYY-MM-DD'))"
)


def upgrade() -> None:
    """Add the columns and fill them from the documents; of a document that is gone, the day in UTC is what is left."""
    op.add_column("sales", sa.Column("business_day", sa.Text(), nullable=True))
    op.add_column("sales", sa.Column("refunded_on", sa.Text(), nullable=True))
    connection = op.get_bind()
    connection.execute(sa.text(_SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL))
    refunded = sa.text("select id, document from sales where document like :refunds")
    for row in connection.execute(refunded, {"refunds": '%"refunds":[%'}).all():
        try:
            day = CanonicalOrder.from_json(row.document).refunded_on
        except ValueError:  # damaged; the ledger's own check tells of it
            continue
        if day is not None:
            values = {"day": day.isoformat(), "id": row.id}
            connection.execute(sa.text("update sales set refunded_on = :day where id = :id"), values)
    op.create_index("sales_of_store_day", "sales", ["store", "business_day"])
    op.create_index("sales_of_day", "sales", ["business_day", "source"])
    given = sa.text("refunded_on is not null")
    op.create_index("sales_refunded_on", "sales", ["store", "refunded_on"], sqlite_where=given, postgresql_where=given)
