"""A double of Lightspeed X's API 2.0: lists that go on by version, tokens of 24 hours, Retry-After as a date.

Behaves as https://x-series-api.lightspeedhq.com/docs says: ``after`` is a version, the next page begins at ``version.max``, the
last one is empty; every change of a sale gives it a new version.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from pydantic import SecretStr

from syncd.sources.lightspeed_x.settings import LightspeedSettings
from syncd.sources.lightspeed_x.source import LightspeedSource
from syncd.testing.clocks import ManualClock
from syncd.testing.double import CannedAnswer, Double, RecordedRequest
from tests.doubles.consent import ConsentPage

_PRODUCTS = (
    ("P-MUG", "Mug", "MUG-1", "17.39130"),
    ("P-TEE", "Tee", "TEE-M", "26.08696"),
    ("P-TEA", "Tea", "", "4.34783"),
)


class LightspeedDouble(Double):
    """One retailer in New Zealand: prices without tax to five decimals, 15 % tax."""

    adapter = LightspeedSource

    def __init__(self, clock: ManualClock | None = None, *, page: int = 4, seed: int = 7) -> None:
        super().__init__(clock)
        self.page, self.seed = page, seed
        self.version = 50_000_000_000
        self.sales: dict[str, dict[str, Any]] = {}  # id -> version, number, times, note, or a whole document
        self.token, self.refresh, self.tokens = "lsxs_pt_token-1", "", 1
        self.extra_settings: dict[str, Any] = {}
        self.page_of_consent = ConsentPage(secret="s", more={"domain_prefix": "corner"})

    def settings(self) -> LightspeedSettings:
        oauth = {"client_id": "app", "client_secret": SecretStr("s"), "refresh_token": SecretStr("first-refresh")}
        way = {"oauth": oauth} if self.refresh else {"token": SecretStr("lsxs_pt_token-1")}
        return LightspeedSettings.model_validate(
            {"api_url": self.url, "page": self.page, **way, "registers": 100, **self.extra_settings}
        )

    def sell(self, count: int) -> list[str]:
        with self.lock:
            return [self._make(self._later()) for _ in range(count)]

    def _later(self) -> datetime:
        self.clock.pass_time(1)
        return self.now()

    def sell_many(self, count: int) -> list[str]:
        self.page = 200
        begin = self.now() - timedelta(days=30)
        return [self._make(begin + timedelta(seconds=2 * number)) for number in range(count)]

    def _make(self, at: datetime) -> str:
        number = len(self.sales) + 1
        key = f"5a1e{self.seed:04x}-0000-4000-8000-{number:012d}"
        self.sales[key] = {"number": number, "made": at, "updated": at, "note": "", "version": self._next()}
        return key

    def put(self, document: dict[str, Any]) -> str:
        """A sale as a sample states it, under a version of its own."""
        kept = {**document, "version": self._next()}
        self.sales[document["id"]] = {"document": kept, "version": kept["version"]}
        return str(document["id"])

    def _next(self) -> int:
        self.version += 1 + (self.version % 7)
        return self.version

    def edit(self, sale_id: str) -> None:
        with self.lock:
            self.sales[sale_id] |= {
                "note": self.sales[sale_id]["note"] + "x",
                "updated": self.now(),
                "version": self._next(),
            }

    def spoil(self, sale_id: str) -> None:
        self.sales[sale_id]["spoilt"] = True

    def throttle(self) -> None:
        until = format_datetime(self.now() + timedelta(seconds=20), usegmt=True)
        self.next = [CannedAnswer(429, {"errors": {"global": ["Too many requests"]}}, {"Retry-After": until})]

    def expire_token(self) -> None:
        self.tokens += 1
        self.token = f"token-of-the-double-{self.tokens}"

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.path == "/connect":
            return self.page_of_consent.opened(asked)
        if asked.path == "/api/1.0/token":
            return self._renew(asked)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return CannedAnswer(401, {"errors": {"global": ["Unauthorized"]}})
        parts = asked.path.removeprefix("/api/2.0/").split("/")
        rows = self._rows(parts[0])
        if rows is None:
            return CannedAnswer(404, {"errors": {"global": ["Not found"]}})
        if len(parts) == 2:
            found = next((make() for _, key, make in rows if key == parts[1]), None)
            return (
                CannedAnswer(200, {"data": found})
                if found
                else CannedAnswer(404, {"errors": {"global": ["Not found"]}})
            )
        after, size = int(asked.one("after", "0")), int(asked.one("page_size", "100"))
        page = [(version, make()) for version, _, make in rows if version > after][:size]
        ends = {"min": page[0][0], "max": page[-1][0]} if page else {"min": None, "max": None}
        return CannedAnswer(200, {"data": [document for _, document in page], "version": ends})

    def _renew(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.form.get("grant_type") == "authorization_code":
            if why := self.page_of_consent.exchanged(asked.form):
                return CannedAnswer(400, {"error": "invalid_grant", "error_description": why})
        elif asked.form.get("refresh_token") != (self.refresh or "first-refresh"):
            return CannedAnswer(400, {"error": "invalid_grant"})
        self.tokens += 1
        self.token, self.refresh = f"token-of-the-double-{self.tokens}", f"refresh-of-the-double-{self.tokens}"
        return CannedAnswer(200, {"access_token": self.token, "refresh_token": self.refresh, "expires_in": 86_400})

    def _rows(self, what: str) -> Any:
        if what == "sales":
            order = sorted(self.sales.items(), key=lambda one: one[1]["version"])
            return [(kept["version"], key, lambda k=key, v=kept: self.document(k, v)) for key, kept in order]
        fixed = _FIXED.get(what)
        return None if fixed is None else [(row["version"], row["id"], lambda r=row: r) for row in fixed]

    def document(self, key: str, kept: dict[str, Any]) -> dict[str, Any]:
        if "document" in kept:
            return dict(kept["document"])
        dice = random.Random(f"{self.seed}/{kept['number']}")
        lines = [_line(f"{key}-{place}", dice) for place in range(dice.randint(1, 3))]
        price, tax = (round(sum(line[name] for line in lines), 5) for name in ("price_total", "tax_total"))
        whole = round(price + tax + 1e-9, 2)
        document = {
            "id": key,
            "outlet_id": "O-1",
            "register_id": "R-1",
            "user_id": "U-1",
            "customer_id": "C-1" if kept["number"] % 5 == 0 else "C-WALKIN",
            "invoice_number": str(kept["number"]),
            "receipt_number": str(kept["number"]),
            "source": "USER",
            "status": "CLOSED",
            "state": "closed",
            "note": kept["note"],
            "return_for": None,
            "return_ids": [],
            "created_at": _text(kept["made"]),
            "updated_at": _text(kept["updated"]),
            "sale_date": _text(kept["made"]),
            "deleted_at": None,
            "total_price": price,
            "total_tax": tax,
            "total_price_incl": whole,
            "line_items": lines,
            "payments": [
                {
                    "id": f"{key}-p",
                    "payment_type_id": "1",
                    "name": "Cash",
                    "amount": whole,
                    "payment_date": _text(kept["made"]),
                }
            ],
            "version": kept["version"],
        }
        return document | ({"status": "SOLD?", "state": "sold"} if kept.get("spoilt") else {})


_FIXED: dict[str, list[dict[str, Any]]] = {
    "outlets": [
        {"id": "O-1", "name": "Second Outlet", "currency": "NZD", "time_zone": "Pacific/Auckland", "version": 10}
    ],
    "registers": [{"id": "R-1", "name": "Main Register", "outlet_id": "O-1", "version": 11}],
    "users": [{"id": "U-1", "username": "ada", "display_name": "Ada Till", "version": 12}],
    "customers": [
        {
            "id": "C-1",
            "customer_code": "AMELIA-1",
            "first_name": "Amelia",
            "email": "amelia@example.com",
            "version": 13,
        },
        {"id": "C-WALKIN", "customer_code": "WALKIN", "first_name": "", "version": 14},
    ],
    "products": [
        {"id": key, "name": name, "sku": sku, "version": 20 + place, "variant_options": []}
        for place, (key, name, sku, _) in enumerate(_PRODUCTS)
    ],
}


def _line(key: str, dice: random.Random) -> dict[str, Any]:
    product, _name, _sku, price = dice.choice(_PRODUCTS)
    quantity, unit = dice.randint(1, 3), float(price)
    tax = round(unit * 0.15, 5)
    return {
        "id": key,
        "product_id": product,
        "quantity": quantity,
        "price": unit,
        "price_total": round(unit * quantity, 5),
        "tax": tax,
        "tax_total": round(tax * quantity, 5),
        "discount": 0,
        "tax_components": [{"rate_id": "T-1", "total_tax": round(tax * quantity, 5)}],
        "is_return": False,
        "status": "CONFIRMED",
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
