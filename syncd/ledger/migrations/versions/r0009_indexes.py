"""Indexes that SQLite can use for open sales, and for those of one store or source, newest first.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the new ones; the old one of open sales was never used on SQLite."""
    op.drop_index("sales_open", "sales")
    _partial("sales_open", ["state", "store", "next_attempt_at"], "state <> 'synced'")
    _partial("sales_waiting", ["store", "recorded_at"], "state = 'pending'")
    op.create_index("sales_of_store", "sales", ["store", "placed_at", "id"])
    op.create_index("sales_of_source", "sales", ["source", "placed_at", "id"])
    op.create_index("faults_settled", "faults", ["settled_at"])


def _partial(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "sales", columns, sqlite_where=condition, postgresql_where=condition)
