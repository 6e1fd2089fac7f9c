"""Sales that live: what a till says of each, version after version, and what is true of it in the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.canonical import CanonicalOrder

_START = datetime(2026, 11, 20, 16, tzinfo=UTC)
_STREETS = ("1 North Road", "2 South Road", "3 East Road", "4 West Road")
ACTS = (
    *("note", "more", "fewer", "another line", "rename", "tip", "no tip", "address", "shipping address"),
    *("tender", "time", "void", "un-void", "refund", "second refund", "correct a refund", "withdraw refunds"),
    *("say the same again", "as it was", "as it was", "as it was"),
)


@dataclass
class Living:
    """One sale: what it says now, every version so far, how its versions are dated, and what goods of it came back."""

    name: str
    said: dict[str, Any]
    dated: str  # "version", "updated_at" or "file"
    versions: list[tuple[CanonicalOrder, datetime | None]] = field(default_factory=list)
    returns: list[Living] = field(default_factory=list)
    of: Living | None = None
    before: dict[str, Any] = field(default_factory=dict)
    brings: Living | None = None  # the return that it is exchanged for, in one document with it
    corrected: bool = False  # a refund was corrected or withdrawn: BigCommerce cannot follow, and a person is asked

    @property
    def last(self) -> CanonicalOrder:
        """What is true of it."""
        return self.versions[-1][0]

    @property
    def is_void(self) -> bool:
        return bool(self.said["status"] == "voided")

    def came_back(self) -> Decimal:
        """What its returns come to, positive."""
        return -sum((one.last.total_inc_tax for one in self.returns), Decimal(0))


class Till:
    """A till with its sales. ``minute`` is its own clock."""

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.minute = dice, 0
        self.sales: dict[str, Living] = {}

    def sell(self) -> Living:
        """A new sale."""
        name = f"s{len(self.sales)}"
        sale = Living(name, self._goods(), self.dice.choice(("version", "updated_at", "file")))
        if self.dice.random() < 0.1:  # refunded before anybody heard of it
            self._act(sale, "refund")
        self.sales[name] = sale
        self.say(sale)
        return sale

    def _goods(self) -> dict[str, Any]:
        return {
            "status": "completed",
            "lines": [self._line(number) for number in range(1, self.dice.randint(2, 4))],
            "tip": False,
            "refunds": [],
            "note": "",
            "street": self.dice.choice(("", *_STREETS)),
            "ship": self.dice.choice(("", "", *_STREETS)),
            "tender": "Cash",
            "at": 0,
        }

    def exchange(self, sale: Living) -> Living | None:
        """Goods of a sale come back, and others are taken for them, in one document; None where nothing is left to give back."""
        left = sale.last.total_inc_tax - sale.came_back()
        if sale.is_void or sale.said["refunds"] or left < 2:
            return None
        new = Living(f"s{len(self.sales)}", self._goods(), self.dice.choice(("version", "updated_at", "file")))
        amount = left if self.dice.random() < 0.4 else Decimal(self.dice.randint(100, int(left * 100) - 1)) / 100
        back = Living(f"{new.name}/return", deepcopy(new.said) | {"amount": amount}, "version", of=sale)
        back.versions.append((_return(back, {}), None))
        new.brings = back
        self.sales |= {new.name: new, back.name: back}
        sale.returns.append(back)
        self.say(new)
        return new

    def live(self, sale: Living) -> None:
        """Something happens to a sale, and the till says so."""
        act, before = self.dice.choice(ACTS), deepcopy(sale.said)
        if act == "as it was" and sale.before and not (sale.said["refunds"] or sale.before["refunds"] or sale.returns):
            sale.said = sale.before
        else:
            self._act(sale, act)
        sale.before = before
        self.say(sale)

    def give_back(self, sale: Living) -> Living | None:
        """Goods of a sale come back as a sale of their own; None where nothing is left to give back."""
        left = sale.last.total_inc_tax - sale.came_back()
        if sale.is_void or sale.said["refunds"] or left < 2:
            return None
        amount = left if self.dice.random() < 0.4 else Decimal(self.dice.randint(100, int(left * 100) - 1)) / 100
        said = deepcopy(sale.said) | {"status": "completed", "amount": amount, "note": f"back {len(self.sales)}"}
        back = Living(f"r{len(self.sales)}", said, "version", of=sale)
        self.sales[back.name] = back
        sale.returns.append(back)
        self.say(back)
        return back

    def say(self, sale: Living) -> None:
        """One more version of a sale."""
        self.minute += 1
        at = _START + timedelta(minutes=self.minute)
        dating: dict[str, Any] = {"version": str(len(sale.versions) + 1)} if sale.dated == "version" else {}
        dating |= {"updated_at": at} if sale.dated == "updated_at" else {}
        document = _return(sale, dating) if sale.of is not None else _document(sale, dating)
        sale.versions.append((document, at if sale.dated == "file" else None))

    def older(self) -> tuple[CanonicalOrder, datetime | None] | None:
        """A version that was said before, out of its order."""
        old = [version for sale in self.sales.values() for version in sale.versions[:-1]]
        return self.dice.choice(old) if old else None

    def _line(self, number: int) -> dict[str, Any]:
        return {
            "id": str(number),
            "name": f"Thing {number}",
            "price": Decimal(self.dice.randint(100, 2000)) / 100,
            "tax": Decimal(self.dice.randint(1, 20)) / 100,
            "count": self.dice.randint(1, 3),
        }

    def _act(self, sale: Living, act: str) -> None:  # noqa: C901, PLR0912  a list of things that happen
        said = sale.said
        lines: list[dict[str, Any]] = said["lines"]
        busy = bool(said["refunds"]) or said["status"] != "completed" or bool(sale.returns)
        match act:
            case "note":
                said["note"] = f"note {self.minute}"
            case "more" if not busy:
                lines[0]["count"] += 1
            case "fewer" if not busy and len(lines) > 1:
                lines.pop()
            case "another line" if not busy:
                lines.append(self._line(100 + self.minute))
            case "rename" if not busy:
                lines[-1]["name"] = f"Thing {lines[-1]['id']} ({self.minute})"
            case "tip" | "no tip" if not busy:
                said["tip"] = act == "tip"
            case "address":
                said["street"] = self.dice.choice(_STREETS)
            case "shipping address" if said["ship"]:
                said["ship"] = self.dice.choice(_STREETS)
            case "tender":
                said["tender"] = self.dice.choice(("Cash", "Visa", "Voucher"))
            case "time":
                said["at"] = self.dice.randint(0, 50)
            case "void" if not busy and sale.brings is None:
                said["status"] = "voided"
            case "un-void" if said["status"] == "voided":
                said["status"] = "completed"
            case "refund" | "second refund" if said["status"] != "voided" and not sale.returns:
                self._refund(said)
            case "correct a refund" if said["refunds"]:
                said["refunds"][-1]["amount"] += Decimal("0.01")
                sale.corrected = True
            case "withdraw refunds" if said["refunds"]:
                said |= {"refunds": [], "status": "completed"}
                sale.corrected = True

    def _refund(self, said: dict[str, Any]) -> None:
        total, given = total_of(said), sum((one["amount"] for one in said["refunds"]), Decimal(0))
        left = total - given
        if left <= Decimal("0.05"):
            return
        whole = self.dice.random() < 0.3
        amount = left if whole else Decimal(self.dice.randint(1, max(1, int(left * 100) // 2))) / 100
        said["refunds"].append({"id": f"f{len(said['refunds'])} {self.dice.randint(0, 9)}", "amount": amount})
        said["status"] = "refunded" if amount == left else "partially_refunded"


def ex_tax_of(line: dict[str, Any]) -> Decimal:
    """What a line comes to without tax: three pieces cost a cent more, so that no price of four places comes to it."""
    odd = Decimal("0.01") if line["count"] % 3 == 0 else Decimal(0)
    return Decimal(line["price"] * line["count"] + odd)


def total_of(said: dict[str, Any]) -> Decimal:
    """What a sale comes to, by its lines and its tip."""
    lines = sum((ex_tax_of(line) for line in said["lines"]), Decimal(0))
    return lines + tax_of(said) + (Decimal(2) if said["tip"] else Decimal(0))


def tax_of(said: dict[str, Any]) -> Decimal:
    """The tax in it."""
    return sum((line["tax"] * line["count"] for line in said["lines"]), Decimal(0))


def _document(sale: Living, dating: dict[str, Any]) -> CanonicalOrder:
    said = sale.said
    lines: list[dict[str, Any]] = [
        {
            "line_id": line["id"],
            "name": line["name"],
            "quantity": str(line["count"]),
            "total_ex_tax": str(ex_tax_of(line)),
            "total_inc_tax": str(ex_tax_of(line) + line["tax"] * line["count"]),
        }
        for line in said["lines"]
    ]
    back = sale.brings.said["amount"] if sale.brings else Decimal(0)
    if sale.brings and sale.brings.of:
        gone = {"line_id": "back", "name": "Thing 1", "quantity": "-1", "origin": {"sale_id": sale.brings.of.name}}
        lines.append(gone | {"total_ex_tax": str(-back), "total_inc_tax": str(-back)})
    tip = [{"kind": "tip", "name": "Tip", "total_ex_tax": "2", "total_inc_tax": "2"}] if said["tip"] else []
    refunds = [{"id": one["id"], "amount_inc_tax": str(one["amount"]), "reason": "chipped"} for one in said["refunds"]]
    place = {"city": "Austin", "state": "TX", "zip": "78701", "country": "US", "first_name": "Ada", "last_name": "B"}
    return _order(
        sale,
        dating,
        status=said["status"],
        lines=lines,
        fees=tip,
        refunds=refunds,
        billing=place | {"street_1": said["street"]} if said["street"] else None,
        shipping=place | {"street_1": said["ship"]} if said["ship"] else None,
        fulfilment="ship" if said["ship"] else "in_store",
        total_inc_tax=str(total_of(said) - back),
        total_tax=str(tax_of(said)),
    )


def _return(back: Living, dating: dict[str, Any]) -> CanonicalOrder:
    assert back.of is not None
    amount = str(-back.said["amount"])
    line = {"line_id": "1", "name": "Thing 1", "quantity": "-1", "total_ex_tax": amount, "total_inc_tax": amount}
    key = f"till:{back.of.name}"
    return _order(back, dating, lines=[line], total_inc_tax=amount, total_tax="0", returns_of=key)


def _order(sale: Living, dating: dict[str, Any], **said: Any) -> CanonicalOrder:
    tender = {"kind": "other", "label": sale.said["tender"], "amount": said["total_inc_tax"]}
    return CanonicalOrder.model_validate(
        {
            "source": "till",
            "sale_id": sale.name,
            "placed_at": _START + timedelta(minutes=sale.said["at"]),
            "currency": "USD",
            "tenders": [tender],
            "note": sale.said["note"],
            **dating,
            **said,
        }
    )


def settled(sales: Sequence[Living]) -> list[Living]:
    """The sales that stand on their own (returns show on the orders of others)."""
    return [sale for sale in sales if sale.of is None]
