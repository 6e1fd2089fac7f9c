"""What to do is said whole on the page: a command that the page has a button for becomes words, and nothing is cut off."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import syncd
from syncd.sale.overrides import Verb
from syncd.web.page.render import in_words

_ROOMS = ("canonical", "intake", "mapping", "push", "sale", "bigcommerce", "ledger", "service")
_VERBS = "|".join(verb.value for verb in Verb)


def _text(node: ast.AST) -> str:
    """A literal as it reads, with a sale key in each of its holes."""
    if isinstance(node, ast.Constant):
        return re.sub(r"\{\w+\}", "till:R-1.5", str(node.value))
    assert isinstance(node, ast.JoinedStr)
    return "".join(_text(part) if isinstance(part, ast.Constant) else "till:R-1.5" for part in node.values)


def cures() -> Iterator[str]:
    """Every text of the program that names a command about a sale."""
    for room in _ROOMS:
        for path in sorted((Path(syncd.__file__).parent / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                    text = _text(node)
                    if re.search(rf"syncd ({_VERBS}) till", text):
                        yield text


def test_every_cure_of_the_program_reads_to_its_end_without_a_command() -> None:
    found = list(cures())
    assert len(found) > 15
    for cure in found:
        words = in_words(cure)
        assert not re.search(rf"syncd ({_VERBS}) ", words), words
        assert " it till" not in words, words
        assert not words.rstrip(".").endswith(("then", ":")), words
        assert words.count(" it") >= cure.count("syncd "), words


@pytest.mark.parametrize(
    ("cure", "words"),
    [
        ("Mend the hook, then: syncd release till:1", "Mend the hook, then release it"),
        (
            "Restore order 5 there, then: syncd release till:1; or leave it: syncd accept till:1",
            "Restore order 5 there, then release it; or leave it: accept it",
        ),
        ("An earlier sale is left out. To send it: syncd backfill --source till", None),
        ("Stop syncd, then: syncd stores rename a b", None),
        ("Nothing to do.", None),
    ],
)
def test_a_decision_becomes_words_and_other_commands_stay(cure: str, words: str | None) -> None:
    assert in_words(cure) == (words or cure)
