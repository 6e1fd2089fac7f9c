"""A number for each store that rises with every claim: a ledger that was taken back in time is noticed by it.

Revision ID: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; every store begins at 0."""
    op.add_column("stores", sa.Column("epoch", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
