"""What a new version of a sale changed, beside the audit row that says that it did.

Revision ID: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("audit") as table:
        table.add_column(sa.Column("changes", sa.Text()))
