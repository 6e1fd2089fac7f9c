"""A double of Loyverse's API: receipts newest first, a cursor that goes alone with the limit, 402 beyond the history that is kept.

Behaves as https://developer.loyverse.com/docs/ says.
"""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from syncd.sources.loyverse.settings import LoyverseSettings
from syncd.sources.loyverse.source import LoyverseSource
from syncd.testing.clocks import ManualClock
from syncd.testing.double import CannedAnswer, Double, RecordedRequest

_ITEMS = (("Mug", "10001", 120.0), ("Tee", "10002", 240.5), ("Tea", None, 45.25))
_LISTS = {
    "stores": [{"id": "S-1", "name": "Main store"}],
    "pos_devices": [{"id": "D-1", "name": "Till 2"}],
    "employees": [{"id": "E-1", "name": "Ada Till"}],
}


def error(status: int, code: str, details: str, **headers: str) -> CannedAnswer:
    return CannedAnswer(status, {"errors": [{"code": code, "details": details}]}, headers)


class LoyverseDouble(Double):
    """One merchant in Bangkok, VAT included."""

    adapter = LoyverseSource

    def __init__(self, clock: ManualClock | None = None, *, page: int = 4, seed: int = 7) -> None:
        super().__init__(clock)
        self.page, self.seed = page, seed
        self.made: dict[str, dict[str, Any]] = {}
        self.token = "token-of-the-double"
        self.history: timedelta | None = None
        self.extra_settings: dict[str, Any] = {}

    def settings(self) -> LoyverseSettings:
        table = {
            "api_url": self.url,
            "page": self.page,
            "token": SecretStr("token-of-the-double"),
            "timezone": "Asia/Bangkok",
        }
        return LoyverseSettings.model_validate(table | self.extra_settings)

    def sell(self, count: int) -> list[str]:
        with self.lock:
            ids = []
            for _ in range(count):
                self.clock.pass_time(1)
                ids.append(self._make(self.now()))
            return ids

    def sell_many(self, count: int) -> list[str]:
        self.page = 250
        begin = self.now() - timedelta(days=30)
        return [self._make(begin + timedelta(seconds=2 * number)) for number in range(count)]

    def _make(self, at: datetime, **changes: Any) -> str:
        number = len(self.made) + 1
        key = f"2-{number}"
        self.made[key] = {"number": number, "at": at, "created": at, "updated": at, "note": "", "changes": changes}
        return key

    def put(self, document: dict[str, Any]) -> str:
        """A receipt as a sample states it."""
        created, updated = (datetime.fromisoformat(document[name]) for name in ("created_at", "updated_at"))
        self.made[document["receipt_number"]] = {"created": created, "updated": updated, "document": document}
        return str(document["receipt_number"])

    def upload_late(self, made: datetime) -> str:
        key = self._make(made)
        self.made[key] |= {"created": self.now(), "updated": self.now()}
        return key

    def edit(self, sale_id: str) -> None:
        with self.lock:
            self.made[sale_id] |= {"note": self.made[sale_id]["note"] + "x", "updated": self.now()}

    def cancel(self, sale_id: str) -> None:
        self.made[sale_id]["changes"]["cancelled_at"] = _text(self.now())
        self.made[sale_id]["updated"] = self.now()

    def spoil(self, sale_id: str) -> None:
        self.made[sale_id]["changes"]["total_money"] = "a lot"

    def throttle(self) -> None:
        self.next = [error(429, "RATE_LIMITED", "Too many requests.", **{"Retry-After": "7"})] * 2

    def expire_token(self) -> None:
        self.token = "another token"

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return error(401, "UNAUTHORIZED", "Access token is missing or invalid.")
        what, _, key = asked.path.removeprefix("/v1.0/").partition("/")
        if what == "merchant":
            return CannedAnswer(200, {"id": "M-1", "currency": {"code": "THB", "decimal_places": 2}})
        if what in _LISTS:
            return CannedAnswer(200, {what: _LISTS[what]})
        if what == "customers" and key == "C-1":
            return CannedAnswer(200, {"id": "C-1", "name": "Amelia Ear", "email": "amelia@example.com"})
        if what == "receipts":
            return self._receipt(key) if key else self._receipts(asked)
        return error(404, "NOT_FOUND", "There is no such thing.")

    def _receipt(self, key: str) -> CannedAnswer:
        kept = self.made.get(key)
        return (
            CannedAnswer(200, self.document(key, kept))
            if kept
            else error(404, "NOT_FOUND", "There is no such receipt.")
        )

    def _receipts(self, asked: RecordedRequest) -> CannedAnswer:
        if token := asked.one("cursor"):
            if set(asked.query) - {"cursor", "limit"}:
                return error(400, "INVALID_CURSOR", "The cursor goes alone with the limit.")
            field, low, high, before, last = json.loads(base64.b64decode(token))
        else:
            field = "updated_at" if "updated_at_min" in asked.query else "created_at"
            low, high, before, last = asked.one(f"{field}_min"), asked.one(f"{field}_max"), "", ""
        if self.history and datetime.fromisoformat(low) < self.now() - self.history:
            return error(402, "PAYMENT_REQUIRED", "Unlimited history is a paid option.")
        name = "updated" if field == "updated_at" else "created"
        rows = sorted(((_text(kept[name]), key) for key, kept in self.made.items()), reverse=True)
        found = [one for one in rows if low <= one[0] <= high and (not before or one < (before, last))]
        limit = min(int(asked.one("limit", "50")), 250)
        page = found[:limit]
        answer: dict[str, Any] = {"receipts": [self.document(key, self.made[key]) for _, key in page]}
        if len(found) > limit:
            answer["cursor"] = base64.b64encode(json.dumps([field, low, high, *page[-1]]).encode()).decode()
        return CannedAnswer(200, answer)

    def document(self, key: str, kept: dict[str, Any]) -> dict[str, Any]:
        if "document" in kept:
            return dict(kept["document"])
        dice = random.Random(f"{self.seed}/{kept['number']}")
        lines = [_line(f"{key}/{place}", dice) for place in range(dice.randint(1, 3))]
        whole, tax = (round(sum(line[name] for line in lines), 2) for name in ("total_money", "_tax"))
        receipt: dict[str, Any] = {
            "receipt_number": key,
            "note": kept["note"] or None,
            "receipt_type": "SALE",
            "refund_for": None,
            "created_at": _text(kept["created"]),
            "updated_at": _text(kept["updated"]),
            "receipt_date": _text(kept["at"]),
            "cancelled_at": None,
            "source": "point of sale",
            "total_money": whole,
            "total_tax": tax,
            "total_discount": 0,
            "customer_id": "C-1" if kept["number"] % 5 == 0 else None,
            "employee_id": "E-1",
            "store_id": "S-1",
            "pos_device_id": "D-1",
            "total_taxes": [{"type": "INCLUDED", "name": "VAT", "rate": 7, "money_amount": tax}],
            "tip": 0,
            "surcharge": 0,
            "line_items": [{name: value for name, value in line.items() if name != "_tax"} for line in lines],
            "payments": [{"name": "Cash", "type": "CASH", "money_amount": whole, "paid_at": _text(kept["at"])}],
        }
        changes: dict[str, Any] = kept["changes"]
        return receipt | changes


def _line(key: str, dice: random.Random) -> dict[str, Any]:
    name, sku, price = dice.choice(_ITEMS)
    quantity = dice.randint(1, 3)
    whole = round(price * quantity, 2)
    tax = round(whole * 7 / 107, 2)
    return {
        "id": key,
        "item_id": f"I-{name}",
        "item_name": name,
        "variant_name": None,
        "sku": sku,
        "quantity": quantity,
        "price": price,
        "gross_total_money": whole,
        "total_money": whole,
        "total_discount": 0,
        "line_taxes": [{"type": "INCLUDED", "name": "VAT", "rate": 7, "money_amount": tax}],
        "line_discounts": [],
        "line_modifiers": [],
        "_tax": tax,
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
