"""A double of a POS with a JSON API of its own kind: lists by time of change, oldest first, in pages of any of four forms."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from syncd.sources.rest.settings import RestSettings
from syncd.sources.rest.source import RestSource
from syncd.testing.clocks import ManualClock
from syncd.testing.double import CannedAnswer, Double, RecordedRequest

MAPPING: dict[str, Any] = {
    "sale": {
        "sale_id": "ref",
        "placed_at": "sold",
        "changed_at": "touched",
        "total": "sums.gross",
        "total_tax": "sums.vat",
        "status": "state",
        "register": "till.code",
        "note": "memo",
        "lines": "basket",
        "tenders": "paid",
    },
    "line": {
        "sku": "article",
        "name": "title",
        "quantity": "count",
        "total_inc_tax": "gross",
        "tax": "vat",
    },
    "tender": {"label": "how", "amount": "sum"},
}
_ITEMS = (("Mug", "10001", 1200), ("Tee", "10002", 2405), ("Tea", None, 455))


class RestDouble(Double):
    """One shop in Berlin; amounts in cents, times in UTC, tax within the prices."""

    adapter = RestSource

    def __init__(
        self, clock: ManualClock | None = None, *, by: str = "page", page: int = 4, until: bool = True
    ) -> None:
        super().__init__(clock)
        self.by, self.size, self.until = by, page, until
        self.made: dict[str, dict[str, Any]] = {}
        self.token = "key-of-the-double"
        self.details = False
        self.extra_settings: dict[str, Any] = {}

    def settings(self) -> RestSettings:
        paging = {
            "page": {"by": "page", "parameter": "page", "size_parameter": "per_page", "size": self.size},
            "offset": {"by": "offset", "parameter": "skip", "size_parameter": "take", "size": self.size},
            "cursor": {"by": "cursor", "parameter": "after", "next": "meta.after"},
            "link": {"by": "link", "next": "meta.next"},
            "header": {"by": "link"},
        }[self.by]
        table: dict[str, Any] = {
            "url": f"{self.url}/api",
            "auth": {"header": "X-Key", "value": SecretStr("key-of-the-double")},
            "list": {
                "path": "/receipts",
                "items": "data",
                "since": "changed_from",
                "until": "changed_to" if self.until else "",
                "params": {"limit": self.size, "open": False},
                "one": "/receipts/{id}",
                "details": self.details,
                "paging": paging,
            },
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "minor_units": True,
            "prices_include_tax": True,
            "requests_per_second": 100,
            **MAPPING,
        }
        return RestSettings.model_validate(table | self.extra_settings)

    def sell(self, count: int) -> list[str]:
        with self.lock:
            ids = []
            for _ in range(count):
                self.clock.pass_time(1)
                ids.append(self._make(self.now()))
            return ids

    def sell_many(self, count: int) -> list[str]:
        self.size = 250
        begin = self.now() - timedelta(days=30)
        return [self._make(begin + timedelta(seconds=2 * number)) for number in range(count)]

    def _make(self, at: datetime) -> str:
        number = len(self.made) + 1
        key = f"R-{number}"
        dice = random.Random(number)
        basket: list[dict[str, Any]] = []
        for _ in range(dice.randint(1, 3)):
            name, sku, price = dice.choice(_ITEMS)
            count = dice.randint(1, 3)
            gross = price * count
            basket.append(
                {"title": name, "article": sku, "count": count, "gross": gross, "vat": round(gross * 19 / 119)}
            )
        whole, tax = (sum(line[name] for line in basket) for name in ("gross", "vat"))
        self.made[key] = {
            "ref": key,
            "sold": _text(at),
            "touched": _text(at),
            "sums": {"gross": whole, "vat": tax},
            "state": "closed",
            "till": {"code": "T1"},
            "memo": "",
            "basket": basket,
            "paid": [{"how": "Bar", "sum": whole}],
        }
        return key

    def edit(self, sale_id: str) -> None:
        with self.lock:
            self.made[sale_id] |= {"memo": self.made[sale_id]["memo"] + "x", "touched": _text(self.now())}

    def spoil(self, sale_id: str) -> None:
        self.made[sale_id]["sums"] = {"gross": "a lot", "vat": 0}

    def throttle(self) -> None:
        self.next = [CannedAnswer(429, {"error": "slow down"}, {"Retry-After": "7"})] * 2

    def break_in_mid_walk(self) -> None:
        self.next = [None, *[CannedAnswer(503, {"error": "down"})] * 4]

    def skew(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def expire_token(self) -> None:
        self.token = "another key"

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.headers.get("x-key") != self.token:
            return CannedAnswer(401, {"error": "unknown key"})
        name = asked.path.removeprefix("/api/receipts").strip("/")
        if name:
            return (
                CannedAnswer(200, {"receipt": self.made[name]})
                if name in self.made
                else CannedAnswer(404, {"error": "no receipt"})
            )
        low, high = asked.one("changed_from"), asked.one("changed_to", "9")
        rows = sorted(
            (kept for kept in self.made.values() if low <= kept["touched"] <= high),
            key=lambda kept: kept["touched"],
        )
        start = self._start(asked)
        page = rows[start : start + self.size]
        if self.details:
            page = [{name: value for name, value in row.items() if name not in ("basket", "paid")} for row in page]
        meta, headers = {}, {}
        if start + self.size < len(rows):
            after = base64.b64encode(str(start + self.size).encode()).decode()
            query = urlencode({name: values[0] for name, values in asked.query.items()} | {"after": after})
            meta = {"after": after, "next": f"{self.url}/api/receipts?{query}"}
            headers = {"Link": f'<{self.url}/api/receipts?{query}>; rel="next"'} if self.by == "header" else {}
        return CannedAnswer(200, {"data": page, "meta": meta if self.by in ("cursor", "link") else {}}, headers)

    def _start(self, asked: RecordedRequest) -> int:
        if token := asked.one("after"):
            return int(base64.b64decode(token))
        if self.by == "page":
            return (int(asked.one("page", "1")) - 1) * self.size
        return int(asked.one("skip", "0"))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
