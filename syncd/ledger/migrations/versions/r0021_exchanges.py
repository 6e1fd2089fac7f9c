"""Documents that sell goods and take others back become a sale and its returns, as they are recorded from now on.

They are taken apart by the very code that takes apart what arrives, so that a document that is read again says the same.

Revision ID: 0021
"""

import sqlalchemy as sa
from alembic import op

from syncd.canonical import Batch, CanonicalOrder, fingerprint

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_WHY = "a document that sells and takes back is a sale and a return from this version of syncd on"
_COPIED = (
    *(
        "source",
        "store",
        "lane",
        "placed_at",
        "recorded_at",
        "changed_at",
        "currency",
        "number",
        "location",
        "register",
    ),
    *("backfill", "history", "hold", "version", "updated_at", "stated_at", "read_by", "decisions"),
)
_AT_REST = ("synced", "held", "rejected")


def upgrade() -> None:
    """Find the documents in which a quantity is negative, and write their parts."""
    connection = op.get_bind()
    query = sa.text("select * from sales where document like :negative order by id")
    for row in connection.execute(query, {"negative": '%"quantity":"-%'}).mappings().all():
        try:
            order = CanonicalOrder.from_json(row["document"])
        except ValueError:  # damaged; the ledger's own check tells of it
            continue
        parts = Batch((order,), (), None).orders
        if parts != (order,):
            _write(connection, row, parts)


def _write(connection: sa.Connection, row: sa.RowMapping, parts: tuple[CanonicalOrder, ...]) -> None:
    """The row keeps the part that its order shows: a return's order is that of its original."""
    own, *others = parts
    if row["returns_of"] is not None and row["order_id"] is not None and len(parts) > 1:
        own, others = parts[1], [parts[0], *parts[2:]]
    state = "pending" if row["state"] in _AT_REST else row["state"]
    changes = {**_says(own), "state": state, "why": "", "cure": "", "objection": None}
    if state == "pending":
        changes["next_attempt_at"] = row["changed_at"]
    _statement(connection, "update sales set {set} where id = :id", {**changes, "id": row["id"]})
    _note(connection, row["id"], row["changed_at"], row["state"], state)
    for part in others:
        new = {name: row[name] for name in _COPIED} | _says(part)
        new |= {"state": "pending", "next_attempt_at": row["changed_at"]}
        _statement(connection, "insert into sales ({names}) values ({values})", new)
        number = connection.execute(
            sa.text("select id from sales where sale_key = :key"), {"key": part.sale_key}
        ).scalar_one()
        _note(connection, number, row["changed_at"], None, "pending")


def _says(part: CanonicalOrder) -> dict[str, object]:
    return {
        "sale_key": part.sale_key,
        "fingerprint": fingerprint(part),
        "document": part.to_json(),
        "total_inc_tax": format(part.total_inc_tax, "f"),
        "total_tax": format(part.total_tax, "f"),
        "returns_of": part.returns_of,
    }


def _statement(connection: sa.Connection, words: str, values: dict[str, object]) -> None:
    named = {name: f":{name}" for name in values}
    words = words.format(
        set=", ".join(f"{name} = {mark}" for name, mark in named.items() if name != "id"),
        names=", ".join(named),
        values=", ".join(named.values()),
    )
    connection.execute(sa.text(words), values)


def _note(connection: sa.Connection, number: int, at: int, before: str | None, after: str) -> None:
    values = {"sale_id": number, "at": at, "actor": "syncd", "before": before, "after": after, "why": _WHY}
    _statement(connection, "insert into audit ({names}) values ({values})", values)
