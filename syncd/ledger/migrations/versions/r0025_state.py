"""A table for durable state: it was kept in the cache of look-ups, whose pruning had to know it.

Revision ID: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_MOVES = (  # kind in the cache, its owner now, and the name (the cache's code, or what leads it)
    ("health", "daemons", "code"),
    ("quota", "quota", "code"),
    ("forgotten", "retention", "code"),
    ("catch up", "scans", "'catch up/' || code"),
    ("rebuild", "scans", "'rebuild/' || code"),
)
_OF_OPERATORS = (("silent until", "alerts"), ("last digest", "alerts"), ("metafields", "metafields"))


def upgrade() -> None:
    """Create the table, and move what lasts into it."""
    op.create_table(
        "state",
        sa.Column("store", sa.Text(), primary_key=True),
        sa.Column("owner", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("state_age", "state", ["owner", "at"])
    moves = [(f"kind = '{kind}'", owner, name) for kind, owner, name in _MOVES]
    moves += [(f"kind = 'operator' and code = '{code}'", owner, "code") for code, owner in _OF_OPERATORS]
    moves += [("kind = 'operator' and code like 'probe %'", "probe", "substr(code, 7)")]
    connection = op.get_bind()
    store = "case when store = '-' then '' else store end"  # the dash was no store
    for which, owner, name in moves:
        kept = f"select {store}, '{owner}', {name}, value, at from cache where {which}"  # noqa: S608  the constants above
        connection.execute(sa.text(f"insert into state (store, owner, name, value, at) {kept} and value is not null"))
        connection.execute(sa.text(f"delete from cache where {which}"))  # noqa: S608  as above
