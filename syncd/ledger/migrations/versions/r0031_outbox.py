"""Events that other programs are to hear of.

Revision ID: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("sale_id", sa.BigInteger()),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("why", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("outbox_due", "outbox", ["next_attempt_at", "id"])
    op.create_index("outbox_age", "outbox", ["at"])
    op.create_index("outbox_of_sale", "outbox", ["sale_id"])
