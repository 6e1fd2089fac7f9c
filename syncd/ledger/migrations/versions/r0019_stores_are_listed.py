"""When all of a store's orders were listed for this ledger for the first time.

Revision ID: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. A ledger from before is listed at the next taking of the lease, and says so then."""
    op.add_column("stores", sa.Column("listed_at", sa.BigInteger()))
