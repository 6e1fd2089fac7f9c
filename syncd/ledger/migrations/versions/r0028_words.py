"""The index of words by which sales are found. It is empty at first: the ledger's upkeep fills it, some hundreds a transaction.

Revision ID: 0028
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table: of full text on SQLite, with an inverted index on PostgreSQL."""
    if op.get_bind().dialect.name == "sqlite":
        # Words are made by syncd, so that nothing is left to a tokenizer: whatever is not a blank belongs to one.
        options = "detail=none, columnsize=0, prefix='3 5', tokenize=\"ascii tokenchars '_'\""
        op.execute(f"create virtual table sale_words using fts5(words, {options})")
    else:
        op.execute("create table sale_words (sale_id bigint primary key, words tsvector not null)")
        op.execute("create index sale_words_found on sale_words using gin (words)")
