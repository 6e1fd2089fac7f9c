"""The tables. Money is text, times are microseconds (see ``times``); partial unique indexes carry the invariants."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")

sales = Table(
    "sales",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("sale_key", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("store", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    # believed: what BigCommerce was made to say
    Column("order_id", BigInteger),
    Column("sent_as", Text),  # the key that its order carries, where that is not the sale key itself
    Column("told", Text),
    Column("there_status", Integer),
    Column("there_total", Text),
    Column("there_tax", Text),
    Column("there_currency", Text),
    Column("there_placed_at", BigInteger),
    Column("asked_total", Text),
    Column("asked_tax", Text),
    Column("differs", Text),  # what the order does not say of the version that it was sent, as JSON: words
    Column("placed_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("next_attempt_at", BigInteger),
    Column("synced_at", BigInteger),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("why", Text, nullable=False, server_default=text("''")),
    Column("cure", Text, nullable=False, server_default=text("''")),
    Column("reason", Text, nullable=False, server_default=text("''")),  # the group of sales that wait for the same
    Column("currency", Text, nullable=False),
    Column("total_inc_tax", Text, nullable=False),
    Column("total_tax", Text, nullable=False),
    Column("number", Text),
    Column("location", Text),
    Column("register", Text),
    Column("backfill", BigInteger),
    Column("doubt", Text),  # a request whose outcome is not known, as JSON
    Column("objection", Text),  # what is held against one version, as JSON
    Column("decisions", Text),  # what people decided, oldest first, as JSON
    Column("short", Text),  # products that BigCommerce refused in this sale's quantity, as JSON: id and why
    Column("checkout", Text),  # how far the calls have come that make its order in several steps, as JSON
    Column("unclean", Integer, nullable=False, server_default=text("0")),  # creates in a row that ended in doubt
    Column("document", Text),
    Column("version", Text),
    Column("updated_at", BigInteger),
    Column("stated_at", BigInteger),  # when this version was stated: a file's own time, or when the POS was asked
    Column("read_by", Text),  # the syncd that read the document
    Column("hold", Text),  # why its source cannot answer for it
    Column("returns_of", Text),  # the sale that this one gives goods back of
    Column("business_day", Text),  # the till's own day
    Column("refunded_on", Text),  # the last day on which money of it was given back
    Column("history", Integer, nullable=False, server_default=text("0")),  # 1: must not count for the store's billing
    Index("sales_of_store", "store", "placed_at", "id"),
    Index("sales_of_source", "source", "placed_at", "id"),
    Index("sales_of_store_day", "store", "business_day"),
    Index("sales_of_day", "business_day", "source"),
    Index("sales_newest", "placed_at", "id"),
    Index("sales_synced", "store", "synced_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("sale_id", BigInteger, ForeignKey("sales.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("order_id", BigInteger),  # the order that it changes; none for a create
    Column("fingerprint", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("order_floor", BigInteger),
    Column("began_at", BigInteger, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("boot_s", Text, nullable=False),
    Column("settled_at", BigInteger),
    Column("outcome", Text),
    Column("status", Integer),
    Column("request_id", Text),
    Column("elapsed_ms", Integer),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column(
        "more", Integer, nullable=False, server_default=text("0")
    ),  # 1: more requests are to follow for this version
    Column("stamp", Text),  # digests of what the order says if this attempt took effect
    Index("attempts_of_sale", "sale_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("sale_id", BigInteger, ForeignKey("sales.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=text("''")),
    Column("attempt_id", BigInteger),
    Column("fingerprint", Text),  # what the sale said from here on, where that changed
    Column("changes", Text),  # each fact of it before and after, as JSON
    Index("audit_of_sale", "sale_id"),
)

faults = Table(
    "faults",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("place", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("sale_key", Text),
    Column("settled_at", BigInteger),
    Column("settled_by", Text),
    Index("faults_settled", "settled_at"),
    Index("one_row_a_fault", "source", "digest", unique=True),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# What each source has read so far (a list in JSON), and the name with which its sale keys begin.
sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("reads", Text, nullable=False),
    Column("key_name", Text, nullable=False),
)

# When each source of a fleet is polled next, and how its last turns went.
source_turns = Table(
    "source_turns",
    metadata,
    Column("source", Text, primary_key=True),
    Column("next_poll_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("last_ok_at", BigInteger, nullable=False),
    Column("why", Text, nullable=False, server_default=text("''")),
    Column("cure", Text, nullable=False, server_default=text("''")),
    Index("source_turns_due", "next_poll_at"),
)

# What adapters keep between runs; ``secret`` rows (tokens) are in no backup.
source_state = Table(
    "source_state",
    metadata,
    Column("source", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("secret", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
)

hints = Table(
    "hints",
    metadata,
    Column("source", Text, primary_key=True),
    Column("sale_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("not_before", BigInteger, nullable=False),
)

backfills = Table(
    "backfills",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("state", Text, nullable=False, server_default=text("'recorded'")),
    Column("history", Integer, nullable=False, server_default=text("0")),
    Column("asked_by", Text, nullable=False, server_default=text("''")),
    Column("ails", Text, nullable=False, server_default=text("''")),
    Column("estimate", Text),  # what it would do, as JSON
)

stores = Table(
    "stores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("store_hash", Text),
    Column("highest_order_id", BigInteger, nullable=False, server_default=text("0")),
    Column("paused_why", Text),
    Column("paused_cure", Text),
    Column("paused_by", Text),  # what failed: a "read", an "answer" or a "write"
    Column("paused_at", BigInteger),
    Column("probe_at", BigInteger),
    Column("key_limit", Integer),  # the store was seen to cut our keys at this length
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),  # rises with every claim (see ``epoch``)
    Column("listed_at", BigInteger),  # when all of its orders were listed for this ledger for the first time
    Column("checked_at", BigInteger),  # when its newest orders were last gone through for duplicates
    Column(
        "handover", Text
    ),  # what its holder in a fleet knows of its quota and its circuit, as JSON, for the next one
)

counts = Table(
    "counts",
    metadata,
    Column("store", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

# What the sums of ``counts`` lack (PostgreSQL): rows are only added, and folded into the sums once a minute.
count_changes = Table(
    "count_changes",
    metadata,
    Column("store", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("before", Text),  # the state that a sale left for this one
)

known_orders = Table(
    "known_orders",
    metadata,
    Column("store", Text, primary_key=True),
    Column("sale_key", Text, primary_key=True),
    Column("order_id", BigInteger, nullable=False),
    Column("total_inc_tax", Text),
    Column("currency", Text),
    Column("status_id", Integer),
    Column("total_tax", Text),
    Column("placed_at", BigInteger),
    Column("archived", Integer, nullable=False, server_default=text("0")),
    Column("draft", Integer, nullable=False, server_default=text("0")),  # 1: of a checkout, and no sale yet
    Column("cart_id", Text),  # the cart that it was converted from
    Column("others", Text, nullable=False, server_default=text("''")),  # other live orders with the same key
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("store", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("cure", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("told_at", BigInteger),  # when people were told
    Column("over_told_at", BigInteger),  # when they were told that it is over
)

catalog = Table(
    "catalog",
    metadata,
    Column("store", Text, primary_key=True),
    Column("variant_id", BigInteger, primary_key=True),
    Column("product_id", BigInteger, nullable=False),
    Column("sku", Text, nullable=False),
    Column("upc", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("walk", Integer, nullable=False),
    Index("catalog_sku", "store", "sku"),
    Index("catalog_upc", "store", "upc"),
    Index("catalog_product_id", "store", "product_id"),
)

mirrors = Table(
    "mirrors",
    metadata,
    Column("store", Text, primary_key=True),
    Column("walk", Integer, nullable=False),
    Column("last_id", BigInteger),
    Column("complete", Integer, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("checked_at", BigInteger, nullable=False),
)

# What lasts of syncd's own, by the part that owns it (see ``state``).
state = Table(
    "state",
    metadata,
    Column("store", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("state_age", "owner", "at"),
)

# Look-ups only: what is old in it may be forgotten at any time.
cache = Table(
    "cache",
    metadata,
    Column("store", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("value", Text),
    Column("at", BigInteger, nullable=False),
    Index("cache_age", "at"),
)

# Who signs in to the page. A password is kept as its argon2 hash.
accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),  # none: by single sign-on alone
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

# Browsers that have signed in, by the digest of their cookie.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("proof", Text, nullable=False),  # names the password that it signed in with
    Column("until", BigInteger, nullable=False),
    Index("sessions_of_account", "name"),
)

# Programs that may read by the API, by the digest of their token.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("until", BigInteger),
)

# Events that other programs are to hear of; a row is deleted once it was taken.
outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("store", Text, nullable=False),
    Column("sale_id", BigInteger),
    Column("data", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("why", Text, nullable=False, server_default=text("''")),
    Column("next_attempt_at", BigInteger, nullable=False),
    Index("outbox_due", "next_attempt_at", "id"),
    Index("outbox_age", "at"),
    Index("outbox_of_sale", "sale_id"),
)
