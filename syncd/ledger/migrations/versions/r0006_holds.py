"""Why a source holds a sale gets a column of its own, out of the sale's document.

Revision ID: 0006
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000


def upgrade() -> None:
    """Add the column, and move the reasons there."""
    op.add_column("sales", sa.Column("hold", sa.Text(), nullable=True))
    connection, last = op.get_bind(), 0
    query = sa.text(
        "select id, document from sales where id > :last and document like '%\"hold\"%' order by id limit :most"
    )
    move = sa.text("update sales set hold = :hold, document = :document where id = :id")
    while rows := connection.execute(query, {"last": last, "most": _AT_ONCE}).all():
        last = rows[-1].id
        if moved := [one for row in rows if (one := _moved(row.id, row.document)) is not None]:
            connection.execute(move, moved)


def _moved(number: int, document: str) -> dict[str, object] | None:
    """A row's new values; None where its document holds no reason (another field of that name, or text that is no JSON)."""
    try:
        fields = json.loads(document)
        reason = fields["extra"].pop("hold")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(reason, str):
        return None
    if not fields["extra"]:
        del fields["extra"]
    kept = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return {"id": number, "hold": reason or None, "document": kept}
