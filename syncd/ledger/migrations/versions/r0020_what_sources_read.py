"""What each source reads, and the name in its sale keys.

Revision ID: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; it is filled as sources are read."""
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("reads", sa.Text(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
    )
