"""A double of Clover's REST API v3: filters of epoch milliseconds, offsets over a list that moves, refresh tokens that work once.

Behaves as https://docs.clover.com says. A list of orders leaves modifications out; tax stands in payments alone, lines have rates.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pydantic import SecretStr

from syncd.sources.clover.settings import CloverSettings
from syncd.sources.clover.source import CloverSource
from syncd.testing.clocks import ManualClock
from syncd.testing.double import CannedAnswer, Double, RecordedRequest
from tests.doubles.consent import ConsentPage

_ITEMS = (("I-MUG", "Mug", "MUG-1", 1250), ("I-TEE", "Tee", "TEE-M", 2400), ("I-TEA", "Tea", "", 475))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CloverDouble(Double):
    """One merchant in Chicago: 8.25 % tax on top."""

    adapter = CloverSource

    def __init__(self, clock: ManualClock | None = None, *, page: int = 4, seed: int = 7) -> None:
        super().__init__(clock)
        self.page, self.seed = page, seed
        self.made: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.token, self.refresh, self.tokens = "token-of-the-double-1", "", 1
        self.extra_settings: dict[str, Any] = {}
        self.page_of_consent = ConsentPage(more={"merchant_id": "MID1"})

    def settings(self) -> CloverSettings:
        oauth = {"client_id": "app", "refresh_token": SecretStr("first-refresh")}
        way = {"oauth": oauth} if self.refresh else {"token": SecretStr("token-of-the-double-1")}
        table = {"api_url": self.url, "merchant_id": "MID1", "page": self.page, "timezone": "America/Chicago"}
        return CloverSettings.model_validate(table | way | self.extra_settings)

    def sell(self, count: int) -> list[str]:
        with self.lock:
            ids = []
            for _ in range(count):
                self.clock.pass_time(1)
                ids.append(self._make(self.now()))
            return ids

    def sell_many(self, count: int) -> list[str]:
        self.page = 500
        begin = self.now() - timedelta(days=30)
        return [self._make(begin + timedelta(seconds=2 * number)) for number in range(count)]

    def _make(self, at: datetime) -> str:
        number = len(self.made) + 1
        key = f"ORDER{self.seed:02d}{number:06d}"
        self.made[key] = {"number": number, "at": at, "modified": at, "note": "", "changes": {}}
        return key

    def put(self, document: dict[str, Any]) -> str:
        """An order as a sample states it."""
        self.made[document["id"]] = {"modified": self.now(), "document": document, "changes": {}}
        return str(document["id"])

    def edit(self, sale_id: str) -> None:
        with self.lock:
            self.made[sale_id] |= {"note": self.made[sale_id]["note"] + "x", "modified": self.now()}

    def refund_payment(self, sale_id: str) -> None:
        """A refund from the payments screen: the order itself does not move."""
        order = self.document(sale_id, self.made[sale_id])
        (payment,) = order["payments"]["elements"]
        refund = {
            "id": f"REF{len(self.refunds)}",
            "orderRef": {"id": sale_id},
            "amount": payment["amount"],
            "taxAmount": payment["taxAmount"],
            "createdTime": _millis(self.now()),
        }
        self.refunds.append(refund)
        self.made[sale_id]["changes"]["refunds"] = {"elements": [refund]}

    def spoil(self, sale_id: str) -> None:
        self.made[sale_id]["changes"]["payments"] = {"elements": "none"}

    def throttle(self) -> None:
        self.next = [
            CannedAnswer(
                429, {"message": "429 Too Many Requests"}, {"Retry-After": "3", "X-RateLimit-tokenLimit": "16"}
            )
        ] * 2

    def expire_token(self) -> None:
        self.tokens += 1
        self.token = f"token-of-the-double-{self.tokens}"

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.path.startswith("/oauth/v2/"):
            return self.page_of_consent.opened(asked) if asked.path.endswith("authorize") else self._renew(asked)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return CannedAnswer(401, {"message": "401 Unauthorized"})
        parts = asked.path.removeprefix("/v3/merchants/MID1").strip("/").split("/")
        match parts:
            case [""]:
                return CannedAnswer(200, {"id": "MID1", "name": "Corner Shop"})
            case ["employees"]:
                return _page([{"id": "EMP1", "name": "Ada Till"}], asked)
            case ["items"]:
                return _page([_item(one) for one in _ITEMS], asked)
            case ["items", key]:
                return _one(next((_item(one) for one in _ITEMS if one[0] == key), None))
            case ["refunds"]:
                return self._listed(asked, [(refund["createdTime"], refund) for refund in self.refunds])
            case ["orders", *rest]:
                return self._orders(asked, rest)
        return CannedAnswer(404, {"message": "Not Found"})

    def _renew(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.path.endswith("token"):
            if why := self.page_of_consent.exchanged(asked.json, names_redirect=False):
                return CannedAnswer(401, {"message": why})
        elif asked.json.get("refresh_token") != (self.refresh or "first-refresh"):
            return CannedAnswer(401, {"message": "Invalid refresh token"})
        self.tokens += 1
        self.token, self.refresh = f"token-of-the-double-{self.tokens}", f"refresh-of-the-double-{self.tokens}"
        ends = int((self.now() + timedelta(minutes=30)).timestamp())
        return CannedAnswer(
            200, {"access_token": self.token, "refresh_token": self.refresh, "access_token_expiration": ends}
        )

    def _orders(self, asked: RecordedRequest, rest: list[str]) -> CannedAnswer:
        if not rest:
            rows = [(_millis(kept["modified"]), key) for key, kept in self.made.items()]
            return self._listed(asked, rows)
        kept = self.made.get(rest[0])
        if kept is None:
            return CannedAnswer(404, {"message": "Not Found"})
        document = self.document(rest[0], kept)
        return CannedAnswer(200, document["lineItems"] if rest[1:] == ["line_items"] else document)

    def _listed(self, asked: RecordedRequest, rows: list[tuple[int, Any]]) -> CannedAnswer:
        since = int(re.fullmatch(r"\w+>=(-?\d+)", asked.one("filter"))[1])  # type: ignore[index]  # a filter of ours
        if "ASC" not in asked.one("orderBy"):
            return CannedAnswer(400, {"message": "this double sorts ascending"})
        found = sorted((row for row in rows if row[0] >= since), key=lambda row: (row[0], str(row[1])))
        offset, limit = int(asked.one("offset", "0")), min(int(asked.one("limit", "100")), 1000)
        some = [row[1] for row in found[offset : offset + limit]]
        return CannedAnswer(200, {"elements": [self._short(one) if isinstance(one, str) else one for one in some]})

    def _short(self, key: str) -> dict[str, Any]:
        """An order as a list shows it: without modifications."""
        document = self.document(key, self.made[key])
        lines = document.get("lineItems", {}).get("elements", [])
        bare = [{name: value for name, value in line.items() if name != "modifications"} for line in lines]
        return {**document, "lineItems": {"elements": bare}}

    def document(self, key: str, kept: dict[str, Any]) -> dict[str, Any]:
        whole: dict[str, Any] = dict(kept["document"]) if "document" in kept else self._from_seed(key, kept)
        changes: dict[str, Any] = kept["changes"]
        return whole | {"modifiedTime": _millis(kept["modified"])} | changes

    def _from_seed(self, key: str, kept: dict[str, Any]) -> dict[str, Any]:
        dice = random.Random(f"{self.seed}/{kept['number']}")
        at = _millis(kept["at"])
        lines = [_line(f"{key}L{place}", dice, at) for place in range(dice.randint(1, 3))]
        goods = [line["price"] + sum(one["amount"] for one in line["modifications"]["elements"]) for line in lines]
        tax = sum(int((Decimal(one) * Decimal("0.0825")).quantize(Decimal(1), ROUND_HALF_UP)) for one in goods)
        tip = dice.choice((0, 0, 200))
        payment = {
            "id": f"PAY{key}",
            "tender": {"label": "Credit Card" if tip else "Cash"},
            "amount": sum(goods) + tax,
            "taxAmount": tax,
            "createdTime": at,
            "clientCreatedTime": at,
            "result": "SUCCESS",
        }
        payment |= (
            {"tipAmount": tip, "cardTransaction": {"cardType": "VISA", "last4": "4242"}}
            if tip
            else {"cashTendered": 10_000}
        )
        return {
            "id": key,
            "currency": "USD",
            "employee": {"id": "EMP1"},
            "device": {"id": "DEV1"},
            "total": sum(goods) + tax,
            "isVat": False,
            "state": "locked",
            "testMode": False,
            "note": kept["note"],
            "createdTime": at,
            "clientCreatedTime": at,
            "lineItems": {"elements": lines},
            "payments": {"elements": [payment]},
        }


def _line(key: str, dice: random.Random, at: int) -> dict[str, Any]:
    item, name, _sku, price = dice.choice(_ITEMS)
    extra = dice.choice((0, 0, 50))
    return {
        "id": key,
        "item": {"id": item},
        "name": name,
        "price": price,
        "createdTime": at,
        "refunded": False,
        "isRevenue": True,
        "taxRates": {"elements": [{"name": "Chicago", "rate": 825_000}]},
        "modifications": {"elements": [{"name": "Gift wrap", "amount": extra}] if extra else []},
    }


def _item(one: tuple[str, str, str, int]) -> dict[str, Any]:
    return {"id": one[0], "name": one[1], "sku": one[2], "price": one[3]}


def _page(rows: list[dict[str, Any]], asked: RecordedRequest) -> CannedAnswer:
    return CannedAnswer(200, {"elements": rows[int(asked.one("offset", "0")) :]})


def _one(row: dict[str, Any] | None) -> CannedAnswer:
    return CannedAnswer(200, row) if row else CannedAnswer(404, {"message": "Not Found"})


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
