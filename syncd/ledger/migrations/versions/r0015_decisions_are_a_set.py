"""Decisions live beside each other: a list of them in the place of one.

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make a list of the one decision that a sale has."""
    op.alter_column("sales", "decision", new_column_name="decisions")
    op.get_bind().execute(sa.text("update sales set decisions = '[' || decisions || ']' where decisions is not null"))
