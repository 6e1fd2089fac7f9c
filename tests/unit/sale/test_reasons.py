"""Why sales wait: each reason that the code can give has its kind, and what differs only in amounts is one group."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import syncd
from syncd.sale.overrides import Verb
from syncd.sale.reasons import BY_CODE, KINDS, OTHER, advised, group_of, kind_of_group, reason_of
from syncd.sale.states import State

ROOT = Path(syncd.__file__).parent
_HOLDS = {"Hold", "Held", "Reject", "Objection", "RefundProblem", "Ended", "Unmappable"}
_WORDS_OF = {"Objection": 2, "Ended": 0}
_RETURN_WORDS = ("more_than_was_paid", "_disagrees", "total_difference", "_is_its_own")
_ROOMS = ("sale", "mapping", "push")


def _text(node: ast.expr) -> str | None:
    """What a literal says, with a number in the place of each parameter."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(one) or "7" if isinstance(one, ast.Constant) else "7" for one in parts)
        case ast.Call(func=ast.Attribute(attr="format", value=inner)):
            return _text(inner)
        case _:
            return None


def reasons_in(file: Path) -> Iterator[tuple[str, int]]:
    """The words with which a file holds or rejects a sale."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        named: dict[str, list[tuple[int, str]]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (text := _text(node.value)):
                named.setdefault(node.targets[0].id, []).append((node.lineno, text))
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and function.name in (
                "more_than_was_paid",
                "_disagrees",
                "total_difference",
                "_is_its_own",
            ):
                text = _text(node.value) if node.value is not None else None
                if text:
                    yield text, node.lineno
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _HOLDS:
                continue
            place = _WORDS_OF.get(node.func.id, 0)
            if len(node.args) <= place:
                continue
            said = node.args[place]
            before = (
                [one for one in named.get(said.id, []) if one[0] < node.lineno] if isinstance(said, ast.Name) else []
            )
            if text := _text(said) or (max(before)[1] if before else None):
                yield text, node.lineno


ALL = [
    pytest.param(text, id=f"{file.relative_to(ROOT)}:{line}")
    for room in _ROOMS
    for file in sorted((ROOT / room).rglob("*.py"))
    for text, line in reasons_in(file)
]


def test_the_code_is_searched() -> None:
    assert len(ALL) > 35


@pytest.mark.parametrize("why", ALL)
def test_every_reason_that_the_code_gives_has_its_kind(why: str) -> None:
    found = reason_of(State.HELD, why)
    assert found is not None
    assert found is not OTHER, why


def test_no_kind_is_hidden_behind_another() -> None:
    for kind in KINDS:
        for pattern in kind.says:
            plain = pattern.replace(r"\S+", "7").replace(r"\d+", "7").replace(".*", "x")
            if any(mark in plain for mark in "(|[?"):
                continue
            found = reason_of(State.HELD, plain)
            assert found is kind, (pattern, found)


def test_what_differs_in_amounts_alone_is_one_group() -> None:
    whys = [f"BigCommerce made it a total of {n}.00 USD; the sale says {n + 1}.00 USD" for n in range(20)]
    assert len({group_of(reason_of(State.HELD, why), why) for why in whys}) == 1
    refusals = [f"BigCommerce said 400: the SKU 'A-{n}' is not there" for n in range(20)]
    assert len({group_of(reason_of(State.REJECTED, why), why) for why in refusals}) == 1
    other = "BigCommerce said 400: the billing address is not valid"
    assert group_of(reason_of(State.REJECTED, other), other) != group_of(
        reason_of(State.REJECTED, refusals[0]), refusals[0]
    )


def test_what_a_source_says_is_told_apart_by_its_words() -> None:
    holds = ("two open tickets of one number: 17", "two open tickets of one number: 18", "a tender in another currency")
    groups = [group_of(reason_of(State.HELD, hold, hold=hold), hold) for hold in holds]
    assert groups[0] == groups[1] != groups[2]
    assert kind_of_group(groups[0]).code == "pos_review"


def test_a_sale_that_waits_for_nobody_has_no_reason() -> None:
    assert group_of(reason_of(State.PENDING, "due"), "due") == ""
    assert reason_of(State.SYNCED, "") is None


def test_every_kind_says_what_to_do_and_names_a_decision_that_a_person_can_take() -> None:
    for kind in BY_CODE.values():
        assert kind.many[0].isupper()
        assert kind.do.endswith(".")
        assert kind.code == "in_doubt" or kind.verbs
        assert "syncd release" not in kind.do


def test_the_advised_decision_is_one_that_can_be_taken() -> None:
    assert advised((Verb.LINK, Verb.SKIP), (Verb.SKIP, Verb.RELEASE)) is Verb.SKIP
    assert advised((Verb.LINK,), (Verb.RELEASE,)) is None
