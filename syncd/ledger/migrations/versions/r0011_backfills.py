"""Backfills that can be estimated, paused and cancelled, by whoever walks them; a receipt is found by its number.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and indexes. A backfill that was cut off before is cancelled: nobody would expect it to go on by itself."""
    op.add_column("backfills", sa.Column("state", sa.Text(), nullable=False, server_default=sa.text("'recorded'")))
    op.add_column("backfills", sa.Column("history", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("backfills", sa.Column("asked_by", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("backfills", sa.Column("ails", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("backfills", sa.Column("estimate", sa.Text(), nullable=True))
    op.get_bind().execute(sa.text("update backfills set state = 'cancelled' where finished_at is null"))
    _partial("sales_of_backfill", ["backfill", "state"], "backfill is not null")
    _partial(
        "sales_due_of_backfill", ["backfill", "store", "placed_at", "id"], "state = 'pending' and lane = 'backfill'"
    )
    _partial("sales_number", ["number"], "number is not null")


def _partial(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "sales", columns, sqlite_where=condition, postgresql_where=condition)
