"""How far the checkout of a sale has come, and which known orders are drafts of one.

Revision ID: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no sale of an earlier ledger has a checkout."""
    op.add_column("sales", sa.Column("checkout", sa.Text(), nullable=True))
    op.add_column("known_orders", sa.Column("draft", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("known_orders", sa.Column("cart_id", sa.Text(), nullable=True))
    begun = sa.text("checkout is not null and state = 'pending'")
    op.create_index("sales_in_checkout", "sales", ["store"], sqlite_where=begun, postgresql_where=begun)
