"""A double of Square's API: orders of till sales from a seed, or as samples state them.

Behaves as https://developer.squareup.com/reference/square says: at most ten locations a search, the sort field must be the
filtered one, a cursor lives five minutes and belongs to its query, errors in ``errors[]``, 401 for a token that ended.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.sources.square.settings import SquareSettings
from syncd.sources.square.source import SquareSource
from syncd.testing.clocks import ManualClock
from syncd.testing.double import CannedAnswer, Double, RecordedRequest
from tests.doubles.consent import ConsentPage

_FIELDS = ("created_at", "updated_at", "closed_at")
LOCATION = {
    "id": "L1",
    "name": "Grant Park",
    "status": "ACTIVE",
    "currency": "USD",
    "timezone": "America/Chicago",
    "country": "US",
}
MEMBER = {"id": "TM-1", "given_name": "Ada", "family_name": "Till"}
_THINGS = (("VAR-MUG", "Mug", "MUG-1", 1250), ("VAR-TEE", "Tee", "TEE-M", 2400), ("VAR-TEA", "Tea", None, 475))


@dataclass
class Made:
    """A sale on the double: what it is made from, and what has become of it."""

    number: int
    location: str
    created: datetime
    updated: datetime
    shown_from: datetime | None = None  # a search shows it only from then on
    note: str = ""
    document: dict[str, Any] | None = None  # as a sample states it, instead of from the seed
    changes: dict[str, Any] = field(default_factory=dict)


def error(status: int, code: str, detail: str, **headers: str) -> CannedAnswer:
    return CannedAnswer(status, {"errors": [{"category": "API_ERROR", "code": code, "detail": detail}]}, headers)


class SquareDouble(Double):
    """One seller's account."""

    adapter = SquareSource

    def __init__(self, clock: ManualClock | None = None, *, page: int = 4, seed: int = 7) -> None:
        super().__init__(clock)
        self.page, self.seed = page, seed
        self.locations: list[dict[str, Any]] = [dict(LOCATION)]
        self.made: dict[str, Made] = {}
        self.token, self.refresh, self.barred = "token-of-the-double-1", "", set[str]()
        self.cursors: dict[str, tuple[str, int, datetime]] = {}
        self.payments_known: dict[str, dict[str, Any]] = {}
        self.tokens = 1
        self.extra_settings: dict[str, Any] = {}
        self.page_of_consent = ConsentPage()

    # The POS's side

    def settings(self) -> SquareSettings:
        way = (
            {"oauth": {"client_id": "app", "client_secret": _Plain("secret"), "refresh_token": _Plain("first-refresh")}}
            if self.refresh
            else {"token": _Plain("token-of-the-double-1")}
        )
        table = {"api_url": self.url, "page": self.page, **way, **self.extra_settings}
        return SquareSettings.model_validate(_secrets(table))

    def sell(self, count: int) -> list[str]:
        with self.lock:
            ids = []
            for _ in range(count):
                self.clock.pass_time(1)
                ids.append(self._make(self.now()))
            return ids

    def sell_many(self, count: int) -> list[str]:
        with self.lock:
            self.page = 500
            begin = self.now() - timedelta(days=30)
            return [self._make(begin + timedelta(seconds=2 * number)) for number in range(count)]

    def _make(self, at: datetime, **changes: Any) -> str:
        number = len(self.made) + 1
        key = f"ORDER-{self.seed}-{number:06d}"
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        self.made[key] = Made(number, self.locations[number % len(self.locations)]["id"], at, at, changes=changes)
        return key

    def put(self, document: dict[str, Any]) -> str:
        """An order as a sample states it."""
        times = [datetime.fromisoformat(document.get(name) or document["created_at"]) for name in _FIELDS]
        self.made[document["id"]] = Made(0, document["location_id"], times[0], times[1], document=document)
        return str(document["id"])

    def edit(self, sale_id: str) -> None:
        with self.lock:
            made = self.made[sale_id]
            made.note += "x"
            made.updated = self.now()

    def upload_late(self, sale_id_at: datetime) -> str:
        """A sale that was made offline, then, and reaches Square only now."""
        key = self._make(sale_id_at)
        self.made[key].updated = self.now()
        return key

    def spoil(self, sale_id: str) -> None:
        self.made[sale_id].changes["total_money"] = {"amount": "a lot", "currency": "USD"}
        self.made[sale_id].changes["net_amounts"] = None

    def throttle(self) -> None:
        self.next = [error(429, "RATE_LIMITED", "You are doing that too often.")] * 2

    def expire_token(self) -> None:
        self.tokens += 1
        self.token = f"token-of-the-double-{self.tokens}"

    # The API's side

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.path == "/oauth2/authorize":
            return self.page_of_consent.opened(asked)
        if asked.path == "/oauth2/token":
            return self._renew(asked)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return error(401, "UNAUTHORIZED", "This request could not be authorized.")
        if any(asked.path.startswith(path) for path in self.barred):
            return error(
                403, "INSUFFICIENT_SCOPES", "The merchant has not given your application sufficient permissions."
            )
        head, _, last = asked.path.removeprefix("/v2/").rpartition("/")
        ways: dict[str, Callable[[], CannedAnswer]] = {
            "locations": lambda: CannedAnswer(200, {"locations": self.locations}),
            "orders/search": lambda: self._search(asked.json),
            "payments": lambda: self._payments(asked),
            "catalog/batch-retrieve": lambda: CannedAnswer(200, {"objects": _variations(asked.json["object_ids"])}),
            "customers/bulk-retrieve": lambda: CannedAnswer(200, {"responses": _customers(asked.json["customer_ids"])}),
            "team-members/search": lambda: CannedAnswer(200, {"team_members": [MEMBER]}),
        }
        singles: dict[str, Callable[[], CannedAnswer]] = {
            "orders": lambda: self._one("order", self._visible(last)),
            "payments": lambda: self._one("payment", self._payment_of(last)),
        }
        way = ways.get(asked.path.removeprefix("/v2/")) or singles.get(head)
        return way() if way else error(404, "NOT_FOUND", "Resource not found.")

    def _renew(self, asked: RecordedRequest) -> CannedAnswer:
        body = asked.json
        if body.get("grant_type") == "authorization_code":
            if why := self.page_of_consent.exchanged(body):
                return error(401, "UNAUTHORIZED", why)
        elif body.get("grant_type") != "refresh_token" or body.get("refresh_token") != (
            self.refresh or "first-refresh"
        ):
            return error(401, "UNAUTHORIZED", "The refresh token is not valid.")
        self.tokens += 1
        self.token, self.refresh = f"token-of-the-double-{self.tokens}", f"refresh-of-the-double-{self.tokens}"
        expires = (self.now() + timedelta(days=30)).isoformat()
        return CannedAnswer(200, {"access_token": self.token, "refresh_token": self.refresh, "expires_at": expires})

    def _one(self, name: str, document: dict[str, Any] | None) -> CannedAnswer:
        return CannedAnswer(200, {name: document}) if document else error(404, "NOT_FOUND", f"{name} was not found.")

    def _visible(self, key: str) -> dict[str, Any] | None:
        made = self.made.get(key)
        return None if made is None else self.document(key, made)

    def _search(self, body: dict[str, Any]) -> CannedAnswer:
        query = body.get("query", {})
        filters = query.get("filter", {}).get("date_time_filter", {})
        sort = query.get("sort", {})
        if len(body.get("location_ids", ())) > 10 or len(filters) != 1:
            return error(400, "INVALID_REQUEST_ERROR", "At most 10 location_ids and one time filter.")
        ((name, span),) = filters.items()
        if sort.get("sort_field") != name.upper():
            return error(400, "BAD_REQUEST", "sort_field must match the filtered timestamp.")
        mark = json.dumps({**body, "cursor": ""}, sort_keys=True)
        offset = 0
        if token := body.get("cursor"):
            kept = self.cursors.get(token)
            if kept is None or kept[0] != mark or self.now() - kept[2] > timedelta(minutes=5):
                return error(400, "INVALID_CURSOR", "The cursor is not valid.")
            offset = kept[1]
        found = self._found(body["location_ids"], name, span, query["filter"].get("state_filter"))
        if sort.get("sort_order", "DESC") == "DESC":
            found.reverse()
        limit = min(body.get("limit", 500), 1000)
        answer: dict[str, Any] = {
            "orders": [self.document(key, made) for _, key, made in found[offset : offset + limit]]
        }
        if offset + limit < len(found):
            answer["cursor"] = f"cursor-{len(self.cursors)}"
            self.cursors[answer["cursor"]] = (mark, offset + limit, self.now())
        return CannedAnswer(200, answer)

    def _found(
        self, where: list[str], name: str, span: dict[str, str], states: Any
    ) -> list[tuple[datetime, str, Made]]:
        start = datetime.fromisoformat(span["start_at"])
        end = datetime.fromisoformat(span["end_at"]) if "end_at" in span else self.now() + timedelta(days=999)
        found = []
        for key, made in self.made.items():
            at = made.created if name == "created_at" else made.updated if name == "updated_at" else _closed(made)
            if (
                made.location in where
                and start <= at <= end
                and (made.shown_from is None or made.shown_from <= self.now())
            ):
                found.append((at, key, made))
        if states:
            found = [one for one in found if self.document(one[1], one[2])["state"] in states["states"]]
        return sorted(found, key=lambda one: (one[0], one[1]))

    def document(self, key: str, made: Made) -> dict[str, Any]:
        document = made.document or self._from_seed(key, made)
        changed = {**document, **made.changes}
        return {name: value for name, value in changed.items() if value is not None}

    def _from_seed(self, key: str, made: Made) -> dict[str, Any]:
        """A till sale: one to three lines at 8 % tax, some with a discount, paid in cash or by card, some with a tip."""
        dice = random.Random(f"{self.seed}/{made.number}")
        items = [
            _item(number, dice.choice(_THINGS), dice.randint(1, 3), dice.choice((0, 0, 100)))
            for number in range(dice.randint(1, 3))
        ]
        tip = dice.choice((0, 0, 0, 200))
        gross, tax = (sum(item[name]["amount"] for item in items) for name in ("total_money", "total_tax_money"))
        off = sum(item["total_discount_money"]["amount"] for item in items)
        card = tip > 0 or dice.random() < 0.5
        tender = {
            "id": f"PAY-{key}",
            "payment_id": f"PAY-{key}",
            "location_id": made.location,
            "created_at": _text(made.created),
            "type": "CARD" if card else "CASH",
            "amount_money": usd(gross + tip),
            "tip_money": usd(tip),
        }
        if card:
            about = {"card_brand": "VISA", "last_4": f"{dice.randint(0, 9999):04d}"}
            tender["card_details"] = {"status": "CAPTURED", "card": about}
        else:
            tendered = -(-gross // 500) * 500
            tender["cash_details"] = {"buyer_tendered_money": usd(tendered), "change_back_money": usd(tendered - gross)}
        return {
            "id": key,
            "location_id": made.location,
            "source": {"name": "Point of Sale"},
            "customer_id": "CUST-1" if made.number % 5 == 0 else None,
            "state": "COMPLETED",
            "created_at": _text(made.created),
            "updated_at": _text(made.updated),
            "closed_at": _text(_closed(made)),
            "line_items": [
                {**item, "note": made.note} if number == 0 and made.note else item for number, item in enumerate(items)
            ],
            "taxes": [
                {"uid": "t1", "name": "Sales Tax", "percentage": "8", "type": "ADDITIVE", "applied_money": usd(tax)}
            ],
            "discounts": [{"uid": "d1", "name": "Regular", "type": "FIXED_AMOUNT", "applied_money": usd(off)}],
            "tenders": [tender],
            "total_money": usd(gross + tip),
            "total_tax_money": usd(tax),
            "total_discount_money": usd(off),
            "total_tip_money": usd(tip),
            "net_amounts": {"total_money": usd(gross + tip), "tax_money": usd(tax), "tip_money": usd(tip)},
        }

    def _payment(self, key: str, made: Made) -> dict[str, Any]:
        return {
            "id": f"PAY-{key}",
            "order_id": key,
            "location_id": made.location,
            "created_at": _text(made.created),
            "updated_at": _text(made.updated),
            "team_member_id": "TM-1",
            "receipt_number": f"R{made.number}",
            "device_details": {"device_id": "DEV-1", "device_name": "Front till"},
            "status": "COMPLETED",
        }

    def _payment_of(self, key: str) -> dict[str, Any] | None:
        if key in self.payments_known:
            return self.payments_known[key]
        made = self.made.get(key.removeprefix("PAY-"))
        return self._payment(key.removeprefix("PAY-"), made) if made and made.document is None else None

    def _payments(self, asked: RecordedRequest) -> CannedAnswer:
        begin, end = (datetime.fromisoformat(asked.one(name)) for name in ("begin_time", "end_time"))
        place, offset = asked.one("location_id"), int(asked.one("cursor", "0"))
        found = sorted(
            (made.created, key)
            for key, made in self.made.items()
            if made.location == place and begin <= made.created < end and made.document is None
        )
        some = found[offset : offset + 100]
        answer: dict[str, Any] = {"payments": [self._payment(key, self.made[key]) for _, key in some]}
        if offset + 100 < len(found):
            answer["cursor"] = str(offset + 100)
        return CannedAnswer(200, answer)


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def _closed(made: Made) -> datetime:
    if made.document is not None:
        return datetime.fromisoformat(made.document.get("closed_at") or made.document["created_at"])
    return (
        max(made.created, made.updated)
        if made.updated - made.created > timedelta(hours=1) and not made.note
        else made.created
    )


def _item(number: int, thing: tuple[str, str, str | None, int], quantity: int, off: int) -> dict[str, Any]:
    key, name, _sku, price = thing
    net = price * quantity - off
    tax = round(net * 8 / 100)
    return {
        "uid": f"li-{number}",
        "catalog_object_id": key,
        "quantity": str(quantity),
        "name": name,
        "item_type": "ITEM",
        "base_price_money": usd(price),
        "gross_sales_money": usd(price * quantity),
        "total_discount_money": usd(off),
        "total_tax_money": usd(tax),
        "total_money": usd(net + tax),
        "applied_taxes": [{"uid": "at", "tax_uid": "t1", "applied_money": usd(tax)}],
        "applied_discounts": [{"uid": "ad", "discount_uid": "d1", "applied_money": usd(off)}] if off else [],
    }


def _text(at: datetime) -> str:
    """As Square writes it: without fractions where they are zero."""
    exact = "milliseconds" if at.microsecond else "seconds"
    return at.astimezone(UTC).isoformat(timespec=exact).replace("+00:00", "Z")


def _variations(keys: list[str]) -> list[dict[str, Any]]:
    known = {key: sku for key, _name, sku, _price in _THINGS}
    return [
        {"id": key, "type": "ITEM_VARIATION", "item_variation_data": {"sku": known[key]}}
        for key in keys
        if key in known
    ]


def _customers(keys: list[str]) -> dict[str, Any]:
    who = {"given_name": "Amelia", "family_name": "Ear", "email_address": "amelia@example.com"}
    none = {"errors": [{"code": "NOT_FOUND"}]}
    return {key: {"customer": {"id": key, **who}} if key == "CUST-1" else none for key in keys}


class _Plain(str):
    """A secret in a test's settings."""


def _secrets(table: Any) -> Any:
    from pydantic import SecretStr

    if isinstance(table, dict):
        return {name: _secrets(value) for name, value in table.items()}
    return SecretStr(str(table)) if isinstance(table, _Plain) else table
