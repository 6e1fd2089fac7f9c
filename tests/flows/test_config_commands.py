"""``syncd config``: an example that loads, a schema that editors can use, an upgrade that keeps remarks."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from syncd.config.schema import schema
from syncd.config.upgrade import upgraded
from tests.shop import Shop

ROOT = Path(__file__).parents[2]
SCHEMA = schema()
CHECKS = jsonschema.Draft202012Validator(SCHEMA)


def problems(text: str) -> list[str]:
    document = json.loads(json.dumps(tomllib.loads(text), default=str))
    return [f"{'.'.join(map(str, error.path))}: {error.message[:200]}" for error in CHECKS.iter_errors(document)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def _example() -> str:
    return (ROOT / "config/syncd.toml").read_text(encoding="utf-8")


def test_the_example_is_valid_by_the_schema() -> None:
    assert problems(_example()) == []


def test_the_examples_file_is_the_one_in_the_package(shop: Shop) -> None:
    done = shop.run("config", "example")
    assert done.out == _example()


def configs_of_tests() -> Iterator[str]:
    for file in sorted((ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"```toml\n(.*?)```", file.read_text(encoding="utf-8"), flags=re.DOTALL):
            if block.lstrip().startswith("["):
                yield block


@pytest.mark.parametrize("block", list(configs_of_tests()), ids=lambda block: block.splitlines()[0][:40])
def test_tables_of_the_docs_have_keys_that_the_schema_knows(block: str) -> None:
    unknown = [one for one in problems(block) if "Additional properties" in one]
    assert unknown == []


WRONG: list[tuple[str, Any]] = [
    ("a key that there is none of", "[log]\nlevl = 'info'\n"),
    ("a word that is none of the choices", "[log]\nlevel = 'loud'\n"),
    ("a duration that is none", "[service]\npush_every = 'soon'\n"),
    ("a type of source that there is none of", "[sources.till]\ntype = 'sqare'\n"),
    ("a key of another type", "[sources.till]\ntype = 'jsonl'\npath = 'x'\nmerchant_id = 'M'\n"),
    ("a secret in clear", "[stores.main]\nstore_hash = 'a'\ntoken = 'in-clear'\n"),
    (
        "a key of a store that there is none of",
        "[stores.main]\nstore_hash = 'a'\ntoken = { env = 'X' }\nsetle = '4s'\n",
    ),
]


@pytest.mark.parametrize(("_what", "text"), WRONG, ids=[what for what, _ in WRONG])
def test_the_schema_finds(_what: str, text: str) -> None:
    assert problems(text)


GOOD = [
    "[sources.till]\ntype = 'square'\ntoken = { env = 'X' }\nevery = '30s'\nclosed = ['sun']\n",
    "[sources.till]\ntype = 'csv'\npath = 'inbox'\npreset = 'square'\ncurrency = 'USD'\n",
    "[sources.till]\ntype = 'csv'\npath = 'inbox'\ncurrency = 'USD'\ntimezone = 'UTC'\n",
    "[sources.till]\ntype = 'sql'\nurl = 'sqlite:///a.db'\npreset = 'opensourcepos'\n",
    "[service]\npush_every = 5\n[web]\npassword_hash = '$argon2id$x'\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_the_schema_takes_what_syncd_takes(text: str) -> None:
    assert problems(text) == []


def test_check_looks_at_the_file_alone_and_reads_no_secret_unless_it_is_asked_to(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text().replace("FLOW_TOKEN", "NO_SUCH_TOKEN"))
    assert shop.run("config", "check").out.strip().endswith("is valid")
    assert shop.run("config", "check", "--secrets").code == 2
    shop.config.write_text(shop.config.read_text().replace("settle =", "setle ="))
    done = shop.run("config", "check")
    assert (done.code, "did you mean settle?" in done.err) == (2, True)


OLD = """# my shop
[service]
drain = "45s"      # long
[stores.main]
store_hash = "abc"   # keep this remark
match_customers = false
returned_goods = "hold"
"""


def test_an_old_config_is_brought_to_todays_keys_with_its_remarks(shop: Shop) -> None:
    now, changes = upgraded(OLD)
    assert len(changes) == 3
    assert tomllib.loads(now) == {"service": {}, "stores": {"main": {"store_hash": "abc", "customers": "guest"}}}
    assert "# keep this remark" in now
    assert upgraded(now) == (now, [])
    text = shop.config.read_text().replace("[stores.main]", "[stores.main]\nmatch_customers = true # by e-mail")
    shop.config.write_text(text)
    assert "syncd config upgrade" in shop.run("status").err
    assert shop.run("config", "upgrade", "--dry-run").code == 0
    assert shop.config.read_text() == text
    assert shop.run("config", "upgrade").code == 0
    assert (shop.folder / "syncd.toml.old").read_text() == text
    assert shop.run("config", "check").code == 0
    assert "nothing to change" in shop.run("config", "upgrade").out
