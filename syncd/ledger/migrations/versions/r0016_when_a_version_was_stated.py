"""When a version of a sale was stated: what orders the versions of a source that dates nothing.

Revision ID: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. What is known already was stated when it was recorded, or changed last, at the latest."""
    op.add_column("sales", sa.Column("stated_at", sa.BigInteger(), nullable=True))
    op.get_bind().execute(sa.text("update sales set stated_at = recorded_at"))
