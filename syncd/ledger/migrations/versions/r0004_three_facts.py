"""What is said, what is believed, what is decided: kept apart. Alerts; what each listed order says; a store that cuts keys.

Revision ID: 0004
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NEW = {
    "sales": (
        ("sent_as", sa.Text()),
        ("there_status", sa.Integer()),
        ("there_total", sa.Text()),
        ("there_tax", sa.Text()),
        ("there_currency", sa.Text()),
        ("there_placed_at", sa.BigInteger()),
        ("asked_total", sa.Text()),
        ("asked_tax", sa.Text()),
        ("objection", sa.Text()),
        ("decision", sa.Text()),
        ("short", sa.Text()),
        ("version", sa.Text()),
        ("updated_at", sa.BigInteger()),
        ("read_by", sa.Text()),
    ),
    "audit": (("fingerprint", sa.Text()),),
    "known_orders": (("status_id", sa.Integer()), ("total_tax", sa.Text()), ("placed_at", sa.BigInteger())),
    "stores": (("key_limit", sa.Integer()), ("checked_at", sa.BigInteger())),
}


def upgrade() -> None:
    """Add the columns, then tell apart what one state and one fingerprint had mixed."""
    for table, columns in _NEW.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    zero = sa.text("0")
    op.add_column("sales", sa.Column("unclean", sa.Integer(), server_default=zero, nullable=False))
    op.add_column("known_orders", sa.Column("archived", sa.Integer(), server_default=zero, nullable=False))
    op.add_column("known_orders", sa.Column("others", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.alter_column("sales", "pushed_fingerprint", new_column_name="told")
    op.alter_column("sales", "lookups", new_column_name="doubt")
    _create_alerts()
    condition = sa.text("sent_as is not null")
    op.create_index("sales_sent_as", "sales", ["sent_as"], sqlite_where=condition, postgresql_where=condition)
    connection = op.get_bind()
    _doubts(connection)
    _decisions(connection)
    _objections(connection)
    # A hold claimed that BigCommerce had been told of the version that was held: from now on that is looked up.
    connection.execute(sa.text("update sales set told = null where state <> 'synced'"))
    op.drop_column("sales", "settled_by")


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("cure", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    condition = sa.text("ended_at is null")
    op.create_index(
        "one_open_alert",
        "alerts",
        ["store", "kind", "subject"],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _doubts(connection: sa.Connection) -> None:
    """A sale in doubt learns from its last attempt what the request was; its look-ups stay."""
    rows = connection.execute(
        sa.text(
            "select s.id, s.doubt, a.kind, a.fingerprint, a.boot_id, a.boot_s from sales s left join attempts a on a.id ="
            " (select max(id) from attempts where sale_id = s.id) where s.state = 'unknown'"
        )
    ).all()
    for row in rows:
        times = json.loads(row.doubt) if row.doubt else [[row.boot_id or "", float(row.boot_s or 0)]]
        doubt = json.dumps([row.kind or "create", row.fingerprint or "", times, None])
        connection.execute(sa.text("update sales set doubt = :doubt where id = :id"), {"doubt": doubt, "id": row.id})
    connection.execute(sa.text("update sales set doubt = null where state <> 'unknown'"))


def _decisions(connection: sa.Connection) -> None:
    """A sale that a person had skipped stays skipped for good."""
    chosen = "state = 'skipped' and settled_by not in ('', 'syncd')"
    query = sa.text(f"select id, settled_by, fingerprint, why from sales where {chosen}")  # noqa: S608  a constant
    for row in connection.execute(query).all():
        decision = json.dumps(["skip", row.settled_by, "1970-01-01T00:00:00+00:00", row.fingerprint, row.why])
        _write(connection, "decision", decision, row.id)


def _objections(connection: sa.Connection) -> None:
    """What is held or rejected stays so, for this version, until a person decides or the sale changes."""
    query = "select id, fingerprint, state, why, cure from sales where state in ('held', 'rejected')"
    for row in connection.execute(sa.text(query)).all():
        _write(connection, "objection", json.dumps([row.fingerprint, row.state, row.why, row.cure]), row.id)


def _write(connection: sa.Connection, column: str, value: str, number: int) -> None:
    statement = sa.text(f"update sales set {column} = :value where id = :id")  # noqa: S608  one of two constants
    connection.execute(statement, {"value": value, "id": number})
