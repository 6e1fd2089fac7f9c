"""The next version of syncd, as far as a ledger can tell: one step of the schema ahead, and otherwise this one.

python -m tests.fleet.next_version fleet migrate
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from syncd.cli.edge import main
from syncd.ledger import upgrade
from tests.planted_bugs import planted

STEP = '''
"""What a later version may add while this one goes on: a column with a default, a table, an index."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{head}", "{before}", None, None


def upgrade():
    op.add_column("sales", sa.Column("colour", sa.Text(), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("colour", sa.Text()))
    op.create_index("sales_by_colour", "sales", ["colour"])
    op.create_table("colours", sa.Column("name", sa.Text(), primary_key=True))
'''
NEXT = f"{int(upgrade.HEAD) + 1:04}"


def run() -> None:
    """Run a command of the next version. ``NEXT_OLDEST`` names the oldest schema that it works beside; today's unless it is set."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as planting:
        steps = Path(folder) / "migrations"
        shutil.copytree(upgrade._FOLDER, steps)
        (steps / "versions" / f"r{NEXT}_next.py").write_text(STEP.format(head=NEXT, before=upgrade.HEAD))
        oldest = os.environ.get("NEXT_OLDEST", upgrade.HEAD)
        for name, value in {"HEAD": NEXT, "KNOWN": (*upgrade.KNOWN, NEXT), "OLDEST": oldest, "_FOLDER": steps}.items():
            planting.enter_context(planted(upgrade, name, value))
        main()


if __name__ == "__main__":
    run()
