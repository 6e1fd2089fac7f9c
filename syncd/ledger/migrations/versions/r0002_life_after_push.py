"""Returns, history, and what each attempt would make an order say.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; existing sales are no returns and no history, existing attempts have no stamp."""
    op.add_column("sales", sa.Column("returns_of", sa.Text(), nullable=True))
    op.add_column("sales", sa.Column("history", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("attempts", sa.Column("stamp", sa.Text(), nullable=True))
    for name, columns, where in (
        ("sales_returned", ["returns_of"], "returns_of is not null"),
        ("sales_of_order", ["store", "order_id"], "order_id is not null"),
    ):
        condition = sa.text(where)
        op.create_index(name, "sales", columns, unique=False, sqlite_where=condition, postgresql_where=condition)
