"""A mirror of each store's catalog, so that a code is looked up here and not there.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two tables; they fill themselves."""
    op.create_table(
        "catalog",
        sa.Column("store", sa.Text(), primary_key=True),
        sa.Column("variant_id", sa.BigInteger(), primary_key=True),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("upc", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("walk", sa.Integer(), nullable=False),
    )
    for name in ("sku", "upc", "product_id"):
        op.create_index(f"catalog_{name}", "catalog", ["store", name])
    op.create_table(
        "mirrors",
        sa.Column("store", sa.Text(), primary_key=True),
        sa.Column("walk", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.BigInteger()),
        sa.Column("complete", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
    )
