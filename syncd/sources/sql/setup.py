"""What a till's own database asks for."""

from __future__ import annotations

from syncd.sources.setup import CURRENCY, TIMEZONE, Question, Setup

SETUP = Setup(
    title="a till's own database",
    intro="An account of the database that can only read. Open Source Point of Sale, uniCenta and its family, or Odoo.",
    questions=(
        Question(
            "preset",
            "Which till",
            "Of another one: docs/sources/sql.md, queries.",
            choices=("opensourcepos", "unicenta", "odoo"),
        ),
        Question(
            "url",
            "The database (not shown)",
            "Such as mysql://reader:PASSWORD@192.168.1.20/pos or postgresql://reader:PASSWORD@127.0.0.1/odoo.",
            secret=True,
        ),
        CURRENCY,
        TIMEZONE,
    ),
    words=("database", "opensourcepos", "unicenta"),
)
