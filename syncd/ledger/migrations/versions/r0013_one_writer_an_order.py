"""The order that an attempt changes: changes of one order go out one after the other, whichever sale they are for.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. What a return changed before is its original's order; any other change was of the sale's own."""
    op.add_column("attempts", sa.Column("order_id", sa.BigInteger(), nullable=True))
    op.get_bind().execute(
        sa.text(
            "update attempts set order_id = (select s.order_id from sales s where s.id = attempts.sale_id)"
            " where kind <> 'create'"
        )
    )
    condition = sa.text("order_id is not null")
    op.create_index("attempts_of_order", "attempts", ["order_id"], sqlite_where=condition, postgresql_where=condition)
