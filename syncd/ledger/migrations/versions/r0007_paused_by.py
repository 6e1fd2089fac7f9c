"""What failed when a store was paused: a read, or a write.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a store that is paused now is tried by a read, as before."""
    op.add_column("stores", sa.Column("paused_by", sa.Text(), nullable=True))
    op.get_bind().execute(sa.text("update stores set paused_by = 'read' where paused_why is not null"))
