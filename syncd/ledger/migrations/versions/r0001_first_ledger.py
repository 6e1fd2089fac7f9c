"""The first ledger.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The counts of sales by state are kept by the database itself, so that no writer can forget them.
_SQLITE_TRIGGERS = (
    """
    create trigger count_new_sale after insert on sales begin
      insert into counts (store, lane, state, number) values (new.store, new.lane, new.state, 1)
        on conflict (store, lane, state) do update set number = number + 1;
    end
    """,
    """
    create trigger count_moved_sale after update of store, lane, state on sales
    when old.state is not new.state or old.lane is not new.lane or old.store is not new.store begin
      update counts set number = number - 1 where store = old.store and lane = old.lane and state = old.state;
      insert into counts (store, lane, state, number) values (new.store, new.lane, new.state, 1)
        on conflict (store, lane, state) do update set number = number + 1;
    end
    """,
)
_POSTGRESQL_TRIGGERS = (
    """
    create function count_sale() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' then
        if old.state = new.state and old.lane = new.lane and old.store = new.store then
          return new;
        end if;
        update counts set number = number - 1 where store = old.store and lane = old.lane and state = old.state;
      end if;
      insert into counts (store, lane, state, number) values (new.store, new.lane, new.state, 1)
        on conflict (store, lane, state) do update set number = counts.number + 1;
      return new;
    end $$
    """,
    "create trigger count_sale after insert or update of store, lane, state on sales for each row execute function count_sale()",
)


def upgrade() -> None:
    _create_tables()
    triggers = _SQLITE_TRIGGERS if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL_TRIGGERS
    for trigger in triggers:
        op.execute(trigger)


def _create_tables() -> None:
    op.create_table(
        "backfills",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "cache",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "kind", "code"),
    )
    op.create_index("cache_age", "cache", ["at"], unique=False)
    op.create_table(
        "counts",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "lane", "state"),
    )
    op.create_table(
        "cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "faults",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("one_row_a_fault", "faults", ["source", "digest"], unique=True)
    op.create_table(
        "known_orders",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("sale_key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("total_inc_tax", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("store", "sale_key"),
    )
    op.create_table(
        "sales",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sale_key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("pushed_fingerprint", sa.Text(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("synced_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("why", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("cure", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_inc_tax", sa.Text(), nullable=False),
        sa.Column("total_tax", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("register", sa.Text(), nullable=True),
        sa.Column("backfill", sa.BigInteger(), nullable=True),
        sa.Column("lookups", sa.Text(), nullable=True),
        sa.Column("settled_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sale_key"),
    )
    op.create_index(
        "sales_due",
        "sales",
        ["store", "lane", "placed_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("sales_newest", "sales", ["placed_at", "id"], unique=False)
    op.create_index(
        "sales_open",
        "sales",
        ["store", "state", "next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("state in ('sending', 'unknown', 'held', 'rejected', 'pending')"),
        postgresql_where=sa.text("state in ('sending', 'unknown', 'held', 'rejected', 'pending')"),
    )
    op.create_index("sales_synced", "sales", ["store", "synced_at"], unique=False)
    op.create_table(
        "stores",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("store_hash", sa.Text(), nullable=True),
        sa.Column("highest_order_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("paused_why", sa.Text(), nullable=True),
        sa.Column("paused_cure", sa.Text(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("probe_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sale_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("order_floor", sa.BigInteger(), nullable=True),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("boot_s", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("elapsed_ms", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["sale_id"],
            ["sales.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempts_of_sale", "attempts", ["sale_id"], unique=False)
    op.create_index(
        "one_open_attempt",
        "attempts",
        ["sale_id"],
        unique=True,
        sqlite_where=sa.text("settled_at is null"),
        postgresql_where=sa.text("settled_at is null"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sale_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sale_id"],
            ["sales.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_of_sale", "audit", ["sale_id"], unique=False)
