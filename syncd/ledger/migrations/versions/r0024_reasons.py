"""The kind of reason for which a sale waits, so that sales of one cause are counted as one.

Revision ID: 0024
"""

import sqlalchemy as sa
from alembic import op

from syncd.sale.reasons import group_of, reason_of
from syncd.sale.states import State

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and fill it for the sales that wait now, from the words that each was held with."""
    op.add_column("sales", sa.Column("reason", sa.Text(), nullable=False, server_default=sa.text("''")))
    connection = op.get_bind()
    waiting = sa.text("select id, state, why, hold from sales where state in ('held', 'rejected', 'unknown')")
    rows = [
        {"id": row.id, "reason": group_of(reason_of(State(row.state), row.why, hold=row.hold or ""), row.why)}
        for row in connection.execute(waiting)
    ]
    if rows:
        connection.execute(sa.text("update sales set reason = :reason where id = :id"), rows)
    waits = sa.text("reason <> ''")
    op.create_index("sales_by_reason", "sales", ["state", "reason"], sqlite_where=waits, postgresql_where=waits)
