"""The cent property bites: a mapper that is broken on purpose, in one way at a time, does not pass it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder
from syncd.mapping import charges, create, lines
from syncd.mapping.model import Payload
from syncd.mapping.rules import Rules
from syncd.sandbox.answers import Refusal
from tests.strategies import sales
from tests.unit.mapping.test_cent import RULES, check_everything

Break = Callable[[pytest.MonkeyPatch], None]


def wrapped(module: Any, name: str, change: Callable[..., Any]) -> Break:
    """Let ``change(what it returned, *arguments)`` have the last word of a function."""
    real = getattr(module, name)
    return lambda patch: patch.setattr(module, name, lambda *args, **named: change(real(*args, **named), *args))


def without(*names: str) -> Callable[..., Payload]:
    return lambda made, *_: {name: value for name, value in made.items() if name not in names}


def line_with(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., Any]:
    return lambda made, *_: made._replace(wired={**made.wired, **change(made.wired)})


def nothing_taken_off(made: charges.Spread, order: CanonicalOrder) -> charges.Spread:
    return made._replace(lines=lines.sold(order))


def tax_left_alone(found: list[Any] | None, parts: list[Any], _order: CanonicalOrder) -> list[Any] | None:
    return None if found is None else [one._replace(tax=part.tax) for one, part in zip(found, parts, strict=True)]


def to_two_places(price: Decimal, *_: Any) -> Decimal:
    return price.quantize(Decimal("0.01"), ROUND_HALF_UP)


MUTANTS: dict[str, Break] = {
    "no fee is sent": wrapped(charges, "fees", lambda *_: iter(())),
    "no discount is taken off": wrapped(create, "spread", nothing_taken_off),
    "every unit price is doubled": wrapped(lines, "unit_price", lambda price, *_: price * 2),
    "no shipping cost is sent": wrapped(charges, "delivery", lambda *_: {}),
    "a fee that is a line costs nothing": wrapped(create, "fee_line", line_with(lambda _: {"price_inc_tax": 0})),
    "the price without tax is the one with it": wrapped(
        lines, "_line", line_with(lambda line: {"price_ex_tax": line["price_inc_tax"]})
    ),
    "one piece more is sold": wrapped(lines, "_line", line_with(lambda line: {"quantity": line["quantity"] + 1})),
    "the order's tax is lost": wrapped(
        create, "_money", lambda money, *_: {**money, "total_ex_tax": money["total_inc_tax"]}
    ),
    "the subtotals are swapped": wrapped(
        create,
        "_money",
        lambda money, *_: {
            **money,
            "subtotal_inc_tax": money["subtotal_ex_tax"],
            "subtotal_ex_tax": money["subtotal_inc_tax"],
        },
    ),
    "the totals are left out": wrapped(create, "_money", without("total_inc_tax", "total_ex_tax")),
    "a discount leaves the tax alone": wrapped(charges, "_lowered", tax_left_alone),
    "cash that was rounded up is lost": wrapped(
        charges, "charged", lambda fees, *_: [fee for fee in fees if fee.name != "Cash rounding"]
    ),
    "prices have two places": wrapped(lines, "unit_price", to_two_places),
    "the last line is left out": wrapped(create, "map_lines", lambda made, *_: made[:-1]),
    "a fee's cost without tax is the one with it": wrapped(
        charges, "_fee", lambda fee, *_: {**fee, "cost_ex_tax": fee["cost_inc_tax"]}
    ),
    "pieces whose price drifts keep their number": wrapped(
        lines, "_whole_quantity", lambda _, line, *__: (max(1, int(line.quantity)), line.quantity != int(line.quantity))
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mapper_that_is_broken_does_not_pass_the_cent_property(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @settings(
        max_examples=600,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(sales(copies=[1]), st.sampled_from(RULES))
    def property_holds(sale: CanonicalOrder, rules: Rules) -> None:
        check_everything(sale, rules)

    MUTANTS[mutant](monkeypatch)
    with pytest.raises((AssertionError, Refusal)):
        property_holds()
