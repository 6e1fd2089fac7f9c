"""SumUp's sales report: one row an article, refunds under the number of their sale, tips as an article.

Prices hold their tax ("Price (gross)", with "Tax" as a part of it). The languages of its columns: ``languages.SUMUP``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from syncd.canonical.money import total
from syncd.sources.csv.fields import Reading
from syncd.sources.csv.languages import SUMUP
from syncd.sources.csv.presets import generic
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.states import bare

_TIPS = frozenset(("tip", "tips", "trinkgeld", "propina", "pourboire", "mancia", "fooi", "gorjeta"))


class SumUpOptions(generic.GenericOptions):
    """SumUp states prices with their tax."""

    prices_include_tax: bool = True


def parse(rows: Sequence[CsvRow], how: Reading[SumUpOptions]) -> list[dict[str, Any]]:
    """Return the rows of one transaction as the fields of a canonical order, and of a return for each refund.

    Raises:
        BadCell: a cell cannot be read.

    """
    return [_with_tips(fields) for fields in generic.parse(rows, how)]


def _with_tips(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the same with an article that is called a tip as a tip."""
    tips = [line for line in fields["lines"] if bare(line["name"]) in _TIPS and not line["taxes"]]
    if not tips or len(tips) == len(fields["lines"]):
        return fields
    amount = total(line["total_inc_tax"] for line in tips)
    tip = {"kind": "tip", "name": "Tip", "total_ex_tax": amount, "total_inc_tax": amount}
    return fields | {"lines": [line for line in fields["lines"] if line not in tips], "fees": [*fields["fees"], tip]}


PRESET = replace(
    generic.PRESET,
    name="sumup",
    tables=(frozenset({"sale_id", "date", "kind", "line_total"}),),
    parse=parse,
    key_words="Transaction ID",
    options=SumUpOptions,
    headings=SUMUP,
    telling=True,
    ids=("sale_id",),
)
