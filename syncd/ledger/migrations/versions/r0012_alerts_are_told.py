"""When an alert was told to people, and when it was told that it is over.

Revision ID: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. What ended before need not be told any more."""
    op.add_column("alerts", sa.Column("told_at", sa.BigInteger(), nullable=True))
    op.add_column("alerts", sa.Column("over_told_at", sa.BigInteger(), nullable=True))
    op.get_bind().execute(sa.text("update alerts set told_at = at, over_told_at = ended_at where ended_at is not null"))
    _partial("alerts_untold", "ended_at is null and told_at is null")
    _partial("alerts_over_untold", "ended_at is not null and over_told_at is null")


def _partial(name: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "alerts", ["id"], sqlite_where=condition, postgresql_where=condition)
