"""Every table of TOML that the docs show is one that syncd loads, together with what its page shows around it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.config import load
from tests.shop import ADDRESS

ROOT = Path(__file__).resolve().parents[2]
_STORE = '[stores.main]\nstore_hash = "abc123"\ntoken = { env = "BIGCOMMERCE_TOKEN" }\n'
STORE = _STORE + ADDRESS
_FENCE = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)
_OTHER_WAYS = re.compile(r"^(token|client_id|client_secret) = .*\n|^\[sources\.till\.app\]\n", re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FOLDER = '[sources.till]\ntype = "jsonl"\npath = "inbox"\n'


def blocks(page: Path) -> list[str]:
    return _FENCE.findall(page.read_text(encoding="utf-8"))


def wholes(page: Path) -> list[str]:
    """The configs of a page: each block that begins a source or a store, and each other one with the block before it."""
    found, base = list[str](), ""
    for block in blocks(page):
        first = block.lstrip().splitlines()[0]
        if re.match(r"\[sources\.\w+\]", first):
            base = block
            found.append(f"{STORE}\n{block}")
        elif ".oauth]" in first:
            found.append(f"{STORE}\n{_OTHER_WAYS.sub('', base)}\n{block}")
        elif first.startswith("[sources."):
            found.append(f"{STORE}\n{base or _FOLDER}\n{block}")
        elif first.startswith("[stores.main"):
            whole = (
                f"{block.replace('[stores.main]', _STORE, 1)}\n{ADDRESS}" if first == "[stores.main]" else STORE + block
            )
            found.append(f"{whole}\n{_FOLDER}")
        elif first.startswith("["):
            found.append(f"{STORE}\n{_FOLDER}\n{block}")
    return found


ALL = [
    pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, text in enumerate(wholes(page))
]


@pytest.mark.parametrize("text", ALL)
def test_a_table_that_the_docs_show_loads(text: str, tmp_path: Path) -> None:
    (tmp_path / "syncd.toml").write_text(text, encoding="utf-8")
    load(tmp_path / "syncd.toml", secrets=False)


def test_no_table_of_the_docs_stands_outside_a_code_block() -> None:
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        loose = [line for line in text.splitlines() if re.match(r"\[(sources|stores|web|alerts)[.\w]*\]\s*$", line)]
        assert loose == [], page


@pytest.mark.parametrize("kind", ["square", "clover", "lightspeed_x", "shopify_pos", "loyverse", "odoo"])
def test_a_page_of_an_account_says_where_its_token_comes_from(kind: str) -> None:
    text = (ROOT / "docs" / "sources" / f"{kind}.md").read_text(encoding="utf-8")
    part = text.partition("## Getting a ")[2].partition("\n## ")[0]
    assert len(part) > 200
    assert "syncd init" in part
    assert "**" in part  # what the screen says
