"""On PostgreSQL, a sale that goes from one state to another appends one row to what changes, and no longer two.

Each row is written twice to the log of the database, when it comes and when it is folded into the sums.

Revision ID: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_FUNCTION = """
create or replace function count_moved_sale() returns trigger language plpgsql as $$
begin
  if old.store = new.store and old.lane = new.lane then
    insert into count_changes (store, lane, state, number, before)
      values (new.store, new.lane, new.state, 1, old.state);
  else
    insert into count_changes (store, lane, state, number)
      values (old.store, old.lane, old.state, -1), (new.store, new.lane, new.state, 1);
  end if;
  return null;
end $$
"""


def upgrade() -> None:
    """Add the state that was left, and write it."""
    op.add_column("count_changes", sa.Column("before", sa.Text()))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTION)
