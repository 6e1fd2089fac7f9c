"""Whether more requests are to follow an attempt before its order says all of the version.

Revision ID: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; before, nothing followed a create."""
    op.add_column("attempts", sa.Column("more", sa.Integer(), nullable=False, server_default=sa.text("0")))
