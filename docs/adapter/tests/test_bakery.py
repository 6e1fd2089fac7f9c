"""The adapter against syncd's contract, on a double of the POS that is forty lines long; and its webhook."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from syncd_bakery import BakerySettings, BakerySource

from syncd.sources import Delivery, Forged, SourceContext
from syncd.testing.contract import SourceContract
from syncd.testing.double import CannedAnswer, Double, RecordedRequest


class Bakery(Double):
    """Bakery POS as its documents say it behaves. What else it can do for the contract, it inherits."""

    adapter = BakerySource

    def __init__(self) -> None:
        super().__init__()
        self.sales: dict[str, dict[str, Any]] = {}
        self.token, self.refresh = "the-token", ""

    def settings(self) -> BakerySettings:
        way = (
            {"oauth": {"client_id": "app", "refresh_token": SecretStr("first")}}
            if self.refresh
            else {"token": SecretStr("the-token")}
        )
        webhook = {"secret": SecretStr("s3cret")}
        return BakerySettings.model_validate({**way, "api_url": self.url, "page": 4, "webhook": webhook})

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
        if asked.path == "/token":
            if asked.form.get("refresh_token") != self.refresh:
                return CannedAnswer(400, {"error": "invalid_grant"})
            self.token, self.refresh = f"{self.token}+", f"{self.refresh}+"
            return CannedAnswer(200, {"access_token": self.token, "refresh_token": self.refresh, "expires_in": 3600})
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return CannedAnswer(401, {"message": "who are you?"})
        if asked.path == "/shop":
            return CannedAnswer(200, {"name": "The Corner Bakery"})
        if key := asked.path.removeprefix("/sales").strip("/"):
            return (
                CannedAnswer(200, self.sales[key])
                if key in self.sales
                else CannedAnswer(404, {"message": "no such sale"})
            )
        rows = sorted(self.sales.values(), key=_place)
        found = [
            sale
            for sale in rows
            if _place(sale) > (datetime.fromisoformat(asked.one("changed_since")), asked.one("after"))
        ]
        return CannedAnswer(200, {"sales": found[: int(asked.one("limit"))]})


def _place(sale: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(sale["changed"]), sale["id"]


class TestBakery(SourceContract):
    @pytest.fixture
    def pos(self) -> Iterator[Bakery]:
        with Bakery() as double:
            yield double


class TestBakeryWithTokensThatRotate(SourceContract):
    @pytest.fixture
    def pos(self) -> Iterator[Bakery]:
        with Bakery() as double:
            double.token, double.refresh = "unknown yet", "first"
            yield double


def test_a_webhook_names_its_sale_once_its_signature_is_right(tmp_path: Path) -> None:
    with Bakery() as pos:
        (key,) = pos.sell(1)
        source = BakerySource(pos.settings(), SourceContext("till", pos.clock, tmp_path, threading.Event()))
        body = b'{"sale": "B1"}'
        signed = {"x-bakery-signature": hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()}
        assert source.receive(Delivery(signed, body)).sales == (key,)
        with pytest.raises(Forged):
            source.receive(Delivery(signed, b'{"sale": "B2"}'))
        found = source.fetch_one(key)
        assert found is not None
        assert [order.sale_id for order in found.orders] == [key]
        assert source.fetch_one("B9") is None
        source.close()
