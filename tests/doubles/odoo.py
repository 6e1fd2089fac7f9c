"""A double of Odoo's RPC over JSON: searches with domains, relations as [id, name], false for nothing, floats as they come.

Times of change are kept to the microsecond, searched by that, and shown to the second, as Odoo does.
Behaves as https://www.odoo.com/documentation/19.0/developer/reference/external_rpc_api.html and external_api.html say.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from syncd.sources.odoo.settings import OdooSettings
from syncd.sources.odoo.source import OdooSource
from syncd.testing.clocks import ManualClock
from syncd.testing.double import CannedAnswer, Double, RecordedRequest

_PRODUCTS = ((31, "TS-M-BLK", "4006381333931", "Crew T-Shirt", 15.0), (7, "MISC", False, "Miscellaneous", 4.5))
TIP, DISCOUNT = 90, 91


def _refusal(name: str, message: str) -> CannedAnswer:
    data = {"name": name, "message": message, "arguments": [message], "debug": "Traceback ..."}
    return CannedAnswer(
        200, {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error", "data": data}}
    )


class OdooDouble(Double):
    """One database, one till, 8 % tax on top."""

    adapter = OdooSource

    def __init__(self, clock: ManualClock | None = None, *, api: str = "jsonrpc", page: int = 4) -> None:
        super().__init__(clock)
        self.api, self.page = api, page
        self.key = "key-of-the-double"
        self.without: set[str] = set()  # fields that this version has not
        self.rows: dict[str, dict[int, dict[str, Any]]] = {
            "pos.order": {},
            "pos.order.line": {},
            "pos.payment": {},
            "pos.config": {
                1: {"name": "Main Shop", "tip_product_id": [TIP, "Tips"], "discount_product_id": [DISCOUNT, "Off"]}
            },
            "account.tax": {1: {"name": "8%", "amount": 8.0, "price_include": False}},
            "pos.payment.method": {
                1: {"name": "Cash", "type": "cash", "is_cash_count": True},
                2: {"name": "Card", "type": "bank", "is_cash_count": False},
                3: {"name": "Customer Account", "type": "pay_later", "is_cash_count": False},
            },
            "product.product": {
                key: {"default_code": code, "barcode": barcode, "active": True, "name": name}
                for key, code, barcode, name, _ in _PRODUCTS
            }
            | {TIP: {"default_code": False, "barcode": False, "active": False, "name": "Tips"}},
            "res.partner": {9: {"name": "Amelia Ear", "email": "amelia@example.com", "phone": False, "active": True}},
        }

    def settings(self) -> OdooSettings:
        table = {"url": self.url, "database": "shop", "login": "ada", "api": self.api, "page": self.page}
        return OdooSettings.model_validate(table | {"key": SecretStr("key-of-the-double")})

    # Selling

    def sell(self, count: int) -> list[str]:
        with self.lock:
            ids = []
            for _ in range(count):
                self.clock.pass_time(1)
                ids.append(self.make(self.now()))
            return ids

    def sell_many(self, count: int) -> list[str]:
        self.page = 250
        begin = self.now() - timedelta(days=30)
        return [self.make(begin + timedelta(seconds=2 * number)) for number in range(count)]

    def make(self, at: datetime, lines: Sequence[Mapping[str, Any]] | None = None, **changes: Any) -> str:
        orders = self.rows["pos.order"]
        key = max(orders, default=40) + 1
        dice = random.Random(key)
        if lines is None:
            lines = [self._goods(dice) for _ in range(dice.randint(1, 3))]
        inc = round(sum(line["price_subtotal_incl"] for line in lines), 2)
        ex = sum(line["price_subtotal"] for line in lines)
        orders[key] = {
            "name": f"Main Shop/{key:04d}",
            "pos_reference": f"26001-012-{key:04d}",
            "date_order": at,
            "write_date": at,
            "create_date": at,
            "state": "paid",
            "amount_total": inc,
            "amount_tax": inc - ex,
            "amount_paid": inc,
            "amount_return": 4.0,
            "partner_id": False,
            "config_id": [1, "Main Shop"],
            "user_id": [2, "Cashier One"],
            "currency_id": [1, "USD"],
            "is_tipped": False,
            "tip_amount": 0.0,
            "uuid": f"00000000-0000-4000-8000-{key:012d}",
            "general_customer_note": False,
            **changes,
        }
        for place, line in enumerate(lines, start=1):
            self.rows["pos.order.line"][key * 100 + place] = {
                "order_id": [key, orders[key]["name"]],
                "uuid": f"line-{key}-{place}",
                "discount": 0.0,
                "refunded_orderline_id": False,
                "customer_note": False,
                "combo_parent_id": False,
                "write_date": at,
                **line,
            }
        paid = ((inc + 4.0, False), (-4.0, True)) if inc > 0 else ((inc, False),)
        for place, (amount, change) in enumerate(paid, start=1):
            self.pay(int(key), place, amount, at, is_change=change)
        return str(key)

    def put(self, answers: Mapping[str, Any]) -> None:
        """Records as a sample states them, by model."""
        for name, answer in answers.items():
            model = {"pos_order": "pos.order", "pos_order_line": "pos.order.line", "pos_payment": "pos.payment"}
            rows = self.rows[model.get(name, "product.product")]
            for record in answer["result"]:
                times = {
                    key: self._at(value)
                    for key, value in record.items()
                    if key.endswith("_date") or key == "date_order"
                }
                rows[record["id"]] = {"active": True, "write_date": self.now(), **record, **times}

    @staticmethod
    def _at(value: str) -> datetime:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)

    def pay(self, order: int, place: int, amount: float, at: datetime, **more: Any) -> None:
        self.rows["pos.payment"][order * 100 + place] = {
            "pos_order_id": [order, "x"],
            "amount": amount,
            "payment_method_id": [1, "Cash"],
            "payment_date": at,
            "write_date": at,
            "is_change": False,
            "card_type": False,
            **more,
        }

    def _goods(self, dice: random.Random) -> dict[str, Any]:
        key, _, _, name, price = dice.choice(_PRODUCTS)
        return line_of(key, name, dice.randint(1, 3), price, dice.choice((0.0, 0.0, 10.0)))

    def edit(self, sale_id: str) -> None:
        with self.lock:
            row = self.rows["pos.order"][int(sale_id)]
            row["general_customer_note"] = f"{row['general_customer_note'] or ''}x"
            row["write_date"] = self.now()

    def edit_line(self, sale_id: str) -> None:
        """A line alone: the order's own time of change stays."""
        row = self.rows["pos.order.line"][int(sale_id) * 100 + 1]
        row |= {"customer_note": "gift wrapped", "write_date": self.now()}

    def spoil(self, sale_id: str) -> None:
        self.rows["pos.order"][int(sale_id)]["amount_total"] = "a lot"

    def throttle(self) -> None:
        self.next = [CannedAnswer(429, None, {"Retry-After": "7"})] * 2

    def expire_token(self) -> None:
        self.key = "another key"

    # Answering

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.path.startswith("/json/2/"):
            return self._json2(asked)
        params = asked.json["params"]
        if params["service"] == "common":
            _, login, key, _ = params["args"]
            return self._result(2 if (login, key) == ("ada", self.key) else False)
        database, user, key, model, method, positional, named = params["args"]
        if (database, user, key, positional) != ("shop", 2, self.key, []):
            return _refusal("odoo.exceptions.AccessDenied", "Access Denied")
        try:
            return self._result(self._call(model, method, named))
        except KeyError as missing:
            return _refusal("builtins.ValueError", f"Invalid field {missing} on model {model!r}")

    def _json2(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.headers.get("authorization") != f"bearer {self.key}" or asked.headers.get("x-odoo-database") != "shop":
            return CannedAnswer(
                401, {"name": "werkzeug.exceptions.Unauthorized", "message": "Invalid apikey", "arguments": []}
            )
        model, method = asked.path.removeprefix("/json/2/").split("/")
        try:
            return CannedAnswer(200, self._call(model, method, asked.json))
        except KeyError as missing:
            return CannedAnswer(
                422, {"name": "builtins.ValueError", "message": f"Invalid field {missing}", "arguments": []}
            )

    def _result(self, result: Any) -> CannedAnswer:
        return CannedAnswer(200, {"jsonrpc": "2.0", "id": 1, "result": result})

    def _call(self, model: str, method: str, named: Mapping[str, Any]) -> Any:
        rows = self.rows[model]
        if method == "fields_get":
            there = {name for row in rows.values() for name in row} | {"id", *_ALWAYS.get(model, ())}
            return {name: {"type": "char"} for name in there - self.without}
        assert method == "search_read"
        assert named["order"] == "id asc"
        found = [
            key for key in sorted(rows) if all(self._holds({"id": key, **rows[key]}, term) for term in named["domain"])
        ]
        if not any(term[0] == "active" for term in named["domain"]):
            found = [key for key in found if rows[key].get("active", True)]
        page = found[: named["limit"]]
        return [{name: self._shown({"id": key, **rows[key]}, name, model) for name in named["fields"]} for key in page]

    def _shown(self, row: Mapping[str, Any], name: str, model: str) -> Any:
        if name in self.without or (name not in row and name not in _ALWAYS.get(model, ())):
            raise KeyError(name)
        value = row.get(name, False)
        return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value

    @staticmethod
    def _holds(row: Mapping[str, Any], term: Sequence[Any]) -> bool:
        name, how, wanted = term
        value = row["config_id"][1] if name == "config_id.name" else row[name]
        if isinstance(value, list):
            value = value[0]
        if isinstance(value, datetime):
            wanted = datetime.fromisoformat(wanted).replace(tzinfo=value.tzinfo)
        operations: dict[str, Callable[[], Any]] = {
            ">=": lambda: value >= wanted,
            "<": lambda: value < wanted,
            ">": lambda: value > wanted,
            "=": lambda: value == wanted,
            "in": lambda: value in wanted,
        }
        return bool(operations[how]())


_ALWAYS = {
    "pos.order": ("date_order", "write_date", "state", "amount_total", "config_id"),
    "pos.order.line": ("order_id", "write_date", "tax_ids"),
    "pos.payment": ("pos_order_id", "write_date"),
}


def line_of(
    product: int, name: str, quantity: float, price: float, percent: float = 0.0, **more: Any
) -> dict[str, Any]:
    """A line as Odoo sums it up: subtotals as floats, rounded to the cent and no better than a float can."""
    ex = round(quantity * price * (1 - percent / 100), 2)
    return {
        "product_id": [product, name],
        "full_product_name": name,
        "qty": float(quantity),
        "price_unit": price,
        "discount": percent,
        "price_subtotal": ex,
        "price_subtotal_incl": round(ex * 1.08, 2) + 1e-14,
        "tax_ids": [1],
        **more,
    }
