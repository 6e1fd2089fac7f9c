"""The adapter against syncd's contract, on a double of the POS that is thirty lines long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from syncd_bakery import BakerySettings, BakerySource

from syncd.testing.contract import SourceContract
from syncd.testing.double import CannedAnswer, Double, RecordedRequest


class Bakery(Double):
    """Bakery POS as its documents say it behaves. What else it can do for the contract, it inherits."""

    adapter = BakerySource

    def __init__(self) -> None:
        super().__init__()
        self.sales: dict[str, dict[str, Any]] = {}
        self.token = "the-token"

    def settings(self) -> BakerySettings:
        return BakerySettings(token=SecretStr("the-token"), api_url=self.url, page=4)

    def sell(self, count: int) -> list[str]:
        ids = []
        for _ in range(count):
            self.clock.pass_time(1)
            key, now = f"B{len(self.sales) + 1}", self.now().isoformat()
            item = {"name": "Loaf", "sku": "LOAF", "quantity": 2, "net": "5.60", "vat": "0.39"}
            self.sales[key] = {"id": key, "sold": now, "changed": now, "items": [item], "total": "5.99", "vat": "0.39"}
            ids.append(key)
        return ids

    def edit(self, sale_id: str) -> None:
        kept = self.sales[sale_id]
        kept |= {"note": kept.get("note", "") + "x", "changed": self.now().isoformat()}

    def spoil(self, sale_id: str) -> None:
        self.sales[sale_id]["total"] = "a lot"

    def throttle(self) -> None:
        self.next = [CannedAnswer(429, {"message": "slow down"}, {"Retry-After": "3"})]

    def expire_token(self) -> None:
        self.token = "another"

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return CannedAnswer(401, {"message": "who are you?"})
        if asked.path == "/shop":
            return CannedAnswer(200, {"name": "The Corner Bakery"})
        since = datetime.fromisoformat(asked.one("changed_since")) - timedelta(0)
        rows = sorted(self.sales.values(), key=lambda sale: (datetime.fromisoformat(sale["changed"]), sale["id"]))
        found = [sale for sale in rows if datetime.fromisoformat(sale["changed"]) >= since]
        return CannedAnswer(200, {"sales": found[: int(asked.one("limit"))]})


class TestBakery(SourceContract):
    @pytest.fixture
    def pos(self) -> Iterator[Bakery]:
        with Bakery() as double:
            yield double
