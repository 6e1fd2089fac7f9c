"""What a command waits for before it says anything: the packages that it loads, counted and not timed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from syncd.testing.orders import sale
from tests.shop import Shop

_HEAVY = frozenset(
    {
        "alembic",
        "apscheduler",
        "babel",
        "filelock",
        "jinja2",
        "psutil",
        "pydantic",
        "requests",
        "rich",
        "sqlalchemy",
        "starlette",
        "structlog",
        "syncd.sources.csv",
        "urllib3",
        "uvicorn",
    }
)
_FOLDER = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
_LOADED = """
import sys
from contextlib import suppress
sys.argv = ["syncd", *sys.argv[1:]]
from syncd.cli.launch import main
with suppress(SystemExit):
    main()
ours = {name for name in sys.modules if name.startswith("syncd.sources.")}
print(*sorted({name.partition(".")[0] for name in sys.modules} | ours), file=sys.stderr)
"""


def loaded(shop: Shop, *words: str) -> set[str]:
    command = [sys.executable, "-c", _LOADED, *words]
    done = subprocess.run(command, env=shop.env, cwd=shop.folder, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split()) & _HEAVY


def test_help_loads_nothing_that_takes_long(shop: Shop) -> None:
    assert loaded(shop, "--help") <= {"rich"}


@pytest.mark.parametrize("words", [("version",), ("sales", "--help"), ("events", "--help"), ("users", "--help")])
def test_help_of_a_command_loads_no_more_than_what_reads_its_words(shop: Shop, words: tuple[str, ...]) -> None:
    assert loaded(shop, *words) <= {"pydantic", "rich"}, "typer reads a command's words with pydantic"


@pytest.mark.parametrize(
    "words", [("status",), ("sale", "till:1001"), ("retry", "till:1001", "--yes"), ("sales",), ("events", "list")]
)
def test_a_look_at_the_ledger_loads_neither_what_speaks_http_nor_the_page(shop: Shop, words: tuple[str, ...]) -> None:
    shop.configure(_FOLDER)
    shop.drop("a.jsonl", sale(source="till").to_json() + "\n")
    shop.run("sync", "--limit", "0")
    assert loaded(shop, *words) <= {"pydantic", "rich", "sqlalchemy"}
