"""Turns of sources in a fleet, and what the holder of a store hands over to the next: its quota and its circuit.

Revision ID: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and the column of stores."""
    op.create_table(
        "source_turns",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("next_poll_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("last_ok_at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("cure", sa.Text(), nullable=False, server_default=sa.text("''")),
    )
    op.create_index("source_turns_due", "source_turns", ["next_poll_at"])
    with op.batch_alter_table("stores") as table:
        table.add_column(sa.Column("handover", sa.Text()))
