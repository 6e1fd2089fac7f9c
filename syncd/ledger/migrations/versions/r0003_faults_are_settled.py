"""Faults stay open until they are settled; the orders that a store was seen to have are kept with their currency.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; faults of before stay open, for nobody has said what became of them."""
    op.add_column("faults", sa.Column("sale_key", sa.Text(), nullable=True))
    op.add_column("faults", sa.Column("settled_at", sa.BigInteger(), nullable=True))
    op.add_column("faults", sa.Column("settled_by", sa.Text(), nullable=True))
    condition = sa.text("settled_at is null")
    op.create_index(
        "faults_open",
        "faults",
        ["source", "sale_key"],
        unique=False,
        sqlite_where=condition,
        postgresql_where=condition,
    )
    op.add_column("known_orders", sa.Column("currency", sa.Text(), nullable=True))
