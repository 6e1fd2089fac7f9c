"""On PostgreSQL, sums of sales by state are appended to and folded later: their rows locked each other out.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TRIGGERS = (
    "drop trigger count_sale on sales",
    "drop function count_sale()",
    """
    create function count_new_sales() returns trigger language plpgsql as $$
    begin
      insert into count_changes (store, lane, state, number)
        select store, lane, state, count(*) from added group by store, lane, state;
      return null;
    end $$
    """,
    """
    create trigger count_new_sales after insert on sales referencing new table as added
    for each statement execute function count_new_sales()
    """,
    """
    create function count_moved_sale() returns trigger language plpgsql as $$
    begin
      insert into count_changes (store, lane, state, number)
        values (old.store, old.lane, old.state, -1), (new.store, new.lane, new.state, 1);
      return null;
    end $$
    """,
    """
    create trigger count_moved_sale after update of store, lane, state on sales for each row
    when (old.state is distinct from new.state or old.lane is distinct from new.lane or old.store is distinct from new.store)
    execute function count_moved_sale()
    """,
)


def upgrade() -> None:
    """Add the table; on PostgreSQL the triggers write there."""
    op.create_table(
        "count_changes",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in _TRIGGERS:
            op.execute(statement)
