"""What an order does not say of its sale, in words: what BigCommerce cannot change, and what a person changed there.

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing is known of what was pushed before."""
    op.add_column("sales", sa.Column("differs", sa.Text(), nullable=True))
