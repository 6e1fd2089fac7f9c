"""A double of Shopify's GraphQL Admin API: costs, a bucket that fills again, THROTTLED under HTTP 200, cursors over a search.

Behaves as https://shopify.dev/docs/api/usage/limits says. It knows the queries that we ask, and answers them with the fields that
Shopify's reference names; it does not parse GraphQL, but checks that every field asked for is one that it has.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from syncd.sources.shopify_pos.settings import ShopifySettings
from syncd.sources.shopify_pos.source import ShopifySource
from syncd.testing.clocks import ManualClock
from syncd.testing.double import CannedAnswer, Double, RecordedRequest

_THINGS = (("Mug", "MUG-1", "12.50"), ("Tee", "TEE-M", "24.00"), ("Tea", None, "4.75"))
_FIRST = 6_000_000_000_000
_BUCKET, _RATE, _COST = 1000.0, 100.0, 60.0


def usd(amount: float) -> dict[str, Any]:
    return {"shopMoney": {"amount": f"{amount:.2f}", "currencyCode": "USD"}}


class ShopifyDouble(Double):
    """One shop with tills and a web shop."""

    adapter = ShopifySource

    def __init__(self, clock: ManualClock | None = None, *, page: int = 4, seed: int = 7) -> None:
        super().__init__(clock)
        self.page, self.seed = page, seed
        self.made: dict[str, dict[str, Any]] = {}
        self.token, self.day = "token-of-the-double", 0
        self.scopes = ["read_orders", "read_all_orders"]
        self.left, self.filled_at = _BUCKET, self.clock.elapsed().seconds
        self.unlimited = True
        self.extra_settings: dict[str, Any] = {}

    def settings(self) -> ShopifySettings:
        table = {"api_url": self.url, "page": self.page, "token": SecretStr("token-of-the-double")}
        return ShopifySettings.model_validate(table | self.extra_settings)

    def sell(self, count: int) -> list[str]:
        with self.lock:
            ids = []
            for _ in range(count):
                self.clock.pass_time(1)
                ids.append(self._make(self.now()))
            return ids

    def sell_many(self, count: int) -> list[str]:
        self.page = 50
        begin = self.now() - timedelta(days=30)
        return [self._make(begin + timedelta(seconds=2 * number)) for number in range(count)]

    def _make(self, at: datetime, **changes: Any) -> str:
        number = len(self.made) + 1
        key = str(_FIRST + number)
        self.made[key] = {"number": number, "at": at, "updated": at, "note": "", "changes": changes}
        return key

    def put(self, document: dict[str, Any]) -> str:
        """An order as a sample states it."""
        at, updated = (datetime.fromisoformat(document[name]) for name in ("processedAt", "updatedAt"))
        self.made[document["legacyResourceId"]] = {"at": at, "updated": updated, "document": document, "changes": {}}
        return str(document["legacyResourceId"])

    def edit(self, sale_id: str) -> None:
        with self.lock:
            self.made[sale_id] |= {"note": self.made[sale_id]["note"] + "x", "updated": self.now()}

    def spoil(self, sale_id: str) -> None:
        self.made[sale_id]["changes"]["totalTaxSet"] = {"shopMoney": {"amount": "a lot", "currencyCode": "USD"}}

    def throttle(self) -> None:
        self.next = [_throttled(0.0)] * 2

    def expire_token(self) -> None:
        self.token = "another token"

    def _credentials(self, asked: RecordedRequest) -> CannedAnswer:
        wanted = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "app-secret"}
        if asked.form != wanted:
            return CannedAnswer(400, {"error": "invalid_client"})
        self.day += 1
        self.token = f"token-of-day-{self.day}"
        return CannedAnswer(200, {"access_token": self.token, "scope": ",".join(self.scopes), "expires_in": 86_399})

    def answer(self, asked: RecordedRequest) -> CannedAnswer:
        if asked.path == "/admin/oauth/access_token":
            return self._credentials(asked)
        if asked.headers.get("x-shopify-access-token") != self.token:
            return CannedAnswer(
                401, {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
            )
        if not re.fullmatch(r"/admin/api/\d{4}-\d\d/graphql\.json", asked.path):
            return CannedAnswer(404, {"errors": "Not Found"})
        now = self.clock.elapsed().seconds
        self.left = min(_BUCKET, self.left + (now - self.filled_at) * _RATE)
        self.filled_at = now
        if not self.unlimited and self.left < _COST:
            return _throttled(self.left)
        self.left -= 0 if self.unlimited else _COST
        body = asked.json
        name = re.match(r"query (\w+)", body["query"])
        assert name is not None
        variables, query = body["variables"], body["query"]
        ways = {"Orders": self._orders, "Order": self._order, "Refunds": self._refunds, "Lines": self._lines}
        if name[1] == "About":
            data: Any = {
                "shop": {"name": "Example Store", "currencyCode": "USD", "ianaTimezone": "America/Chicago"},
                "currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in self.scopes]},
            }
        else:
            data = ways[name[1]](variables, query)
        status = {"maximumAvailable": _BUCKET, "currentlyAvailable": self.left, "restoreRate": _RATE}
        return CannedAnswer(
            200, {"data": data, "extensions": {"cost": {"requestedQueryCost": _COST, "throttleStatus": status}}}
        )

    def _orders(self, variables: dict[str, Any], query: str) -> Any:
        name = "updated" if variables["key"] == "UPDATED_AT" else "at"
        low = re.search(r":>='([^']+)'", variables["query"])
        high = re.search(r":<'([^']+)'", variables["query"])
        since = datetime.fromisoformat(low[1]) if low else self.now() - timedelta(days=9999)
        until = datetime.fromisoformat(high[1]) if high else self.now() + timedelta(days=9999)
        rows = sorted((kept[name], key) for key, kept in self.made.items() if since <= kept[name] < until)
        after = variables.get("after")
        if after:
            at, key = after.split("|")
            rows = [row for row in rows if row > (datetime.fromisoformat(at), key)]
        page = rows[: variables["first"]]
        ends = f"{page[-1][0].isoformat()}|{page[-1][1]}" if page else None
        nodes = [self.document(key, self.made[key]) for _, key in page]
        return {
            "orders": {
                "nodes": [_asked_for(node, query) for node in nodes],
                "pageInfo": {"hasNextPage": len(rows) > len(page), "endCursor": ends},
            }
        }

    def _order(self, variables: dict[str, Any], query: str) -> Any:
        key = variables["id"].rpartition("/")[2]
        return {"order": _asked_for(self.document(key, self.made[key]), query) if key in self.made else None}

    def _refunds(self, variables: dict[str, Any], _query: str) -> Any:
        key = variables["id"].rpartition("/")[2]
        return {"order": {"refunds": self.document(key, self.made[key])["refunds"]}}

    def _lines(self, variables: dict[str, Any], _query: str) -> Any:
        key = variables["id"].rpartition("/")[2]
        nodes = self.document(key, self.made[key])["lineItems"]["nodes"][int(variables["after"]) :]
        return {"order": {"lineItems": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}}

    def document(self, key: str, kept: dict[str, Any]) -> dict[str, Any]:
        whole: dict[str, Any] = dict(kept["document"]) if "document" in kept else self._from_seed(key, kept)
        changes: dict[str, Any] = kept["changes"]
        return whole | {"updatedAt": _text(kept["updated"])} | changes

    def _from_seed(self, key: str, kept: dict[str, Any]) -> dict[str, Any]:
        dice = random.Random(f"{self.seed}/{kept['number']}")
        lines = [_line(f"{key}{place:03d}", dice) for place in range(dice.randint(1, 3))]
        goods, tax = (round(sum(line[name] for line in lines), 2) for name in ("_net", "_tax"))
        tip = dice.choice((0.0, 0.0, 2.0))
        whole = round(goods + tax + tip, 2)
        return {
            "id": f"gid://shopify/Order/{key}",
            "legacyResourceId": key,
            "name": f"#{1000 + kept['number']}",
            "createdAt": _text(kept["at"]),
            "processedAt": _text(kept["at"]),
            "updatedAt": _text(kept["updated"]),
            "cancelledAt": None,
            "test": False,
            "sourceName": "pos",
            "sourceIdentifier": f"801-1-{1000 + kept['number']}",
            "currencyCode": "USD",
            "taxesIncluded": False,
            "note": kept["note"],
            "displayFinancialStatus": "PAID",
            "displayFulfillmentStatus": "FULFILLED",
            "retailLocation": {"id": "gid://shopify/Location/801", "name": "Example Store"},
            "email": "amelia@example.com" if kept["number"] % 5 == 0 else None,
            "customer": None,
            "billingAddress": None,
            "shippingAddress": None,
            "staffMember": {"id": "gid://shopify/StaffMember/1", "name": "Ada Till"},
            "totalPriceSet": usd(whole),
            "totalTaxSet": usd(tax),
            "totalTipReceivedSet": usd(tip),
            "totalCashRoundingAdjustment": None,
            "lineItems": {"nodes": lines, "pageInfo": {"hasNextPage": False, "endCursor": None}},
            "shippingLines": {"nodes": []},
            "transactions": [
                {
                    "id": f"gid://shopify/OrderTransaction/{key}",
                    "kind": "SALE",
                    "status": "SUCCESS",
                    "gateway": "shopify_payments" if tip else "cash",
                    "formattedGateway": "Shopify Payments" if tip else "Cash",
                    "processedAt": _text(kept["at"]),
                    "amountSet": usd(whole),
                    "amountRoundingSet": None,
                }
            ],
            "refunds": [],
        }


_NAMES = re.compile(r"\b[a-z]\w*\b(?!\s*:)")
_LANGUAGE = {
    "query",
    "orders",
    "order",
    "nodes",
    "first",
    "after",
    "pageInfo",
    "hasNextPage",
    "endCursor",
    "key",
    "id",
    "sortKey",
}


def _asked_for(node: dict[str, Any], query: str) -> dict[str, Any]:
    """The fields of an order that a query names, and no others; lists as a first page shows them."""
    named = set(_NAMES.findall(query))
    unknown = {name for name in named if name.endswith("Set") and name not in _SETS}
    assert not unknown, unknown
    shown = {name: value for name, value in node.items() if name in named}
    lines = node["lineItems"]["nodes"]
    shown["lineItems"] = {
        "nodes": [{name: value for name, value in line.items() if name[0] != "_"} for line in lines[:20]],
        "pageInfo": {"hasNextPage": len(lines) > 20, "endCursor": "20" if len(lines) > 20 else None},
    }
    shown["refunds"] = [{"id": one["id"]} for one in node["refunds"]]
    return shown


_SETS = {
    *("totalPriceSet", "totalTaxSet", "totalTipReceivedSet", "paymentSet", "refundSet", "originalUnitPriceSet"),
    *("totalDiscountSet", "allocatedAmountSet", "priceSet", "discountedPriceSet", "amountSet", "amountRoundingSet"),
}


def _throttled(left: float) -> CannedAnswer:
    status = {"maximumAvailable": _BUCKET, "currentlyAvailable": left, "restoreRate": _RATE}
    cost = {"requestedQueryCost": _COST, "actualQueryCost": None, "throttleStatus": status}
    problem = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return CannedAnswer(200, {"errors": [problem], "extensions": {"cost": cost}})


def _line(key: str, dice: random.Random) -> dict[str, Any]:
    title, sku, price = dice.choice(_THINGS)
    quantity, off = dice.randint(1, 3), dice.choice((0.0, 0.0, 1.0))
    net = round(float(price) * quantity - off, 2)
    tax = round(net * 0.08 + 1e-9, 2)
    return {
        "id": f"gid://shopify/LineItem/{key}",
        "title": title,
        "name": title,
        "sku": sku,
        "variantTitle": None,
        "quantity": quantity,
        "currentQuantity": quantity,
        "unfulfilledQuantity": 0,
        "isGiftCard": False,
        "variant": {"id": "gid://shopify/ProductVariant/1", "barcode": None},
        "originalUnitPriceSet": usd(float(price)),
        "totalDiscountSet": usd(off),
        "discountAllocations": [{"allocatedAmountSet": usd(off)}] if off else [],
        "taxLines": [{"title": "State Tax", "ratePercentage": 8.0, "priceSet": usd(tax)}],
        "_net": net,
        "_tax": tax,
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
