"""Shopify's GraphQL Admin API: every query has a cost, taken from a bucket that fills again at a known rate.

Source: https://shopify.dev/docs/api/usage/limits and https://shopify.dev/docs/api/admin-graphql
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceAccessDenied, SourceRateLimited, SourceRejected, SourceUnavailable
from syncd.sources.http import ApiProfile, Auth, StaticAuth
from syncd.sources.oauth import OAuth, Tokens, lives, tokens_of
from syncd.sources.records import Document
from syncd.sources.shopify_pos import queries
from syncd.sources.shopify_pos.settings import ShopifySettings

_DENIED = "Check shop and token, and the app's scopes: read_orders (and read_customers; staff = true needs read_users)."
_APP_CURE = (
    "Check client_id and client_secret (Dev Dashboard, your app, Settings), and that the app is installed in this shop."
)
_TRIES = 6
_LONGEST_WAIT_S = 60.0
_MARGIN_S = 0.05


class ShopifyApi:
    """One shop."""

    def __init__(self, settings: ShopifySettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        self._path = f"/admin/api/{settings.version}/graphql.json"
        self._fields = queries.order_fields(customers=settings.customers, staff=settings.staff)
        self.http = context.http(
            settings.base, self._auth(), ApiProfile("Shopify", per_second=10, burst=20, denied=_DENIED)
        )
        self._cost, self._left, self._rate, self._at = 0.0, float("inf"), 100.0, 0.0

    def _auth(self) -> Auth:
        if self._settings.token is not None:
            return StaticAuth(_headers(self._settings.token.get_secret_value()))
        app = self._settings.app
        assert app is not None  # noqa: S101  the settings have checked that there is one of the two
        secret = app.client_secret.get_secret_value()
        return OAuth(self._context, secret, self._token, lambda got: _headers(got.access), _APP_CURE)

    def _token(self, secret: str) -> Tokens:
        """POST /admin/oauth/access_token with the app's client credentials."""
        app = self._settings.app
        assert app is not None  # noqa: S101  nobody renews a token of an app that is not there
        asked = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": secret}
        said = self.http.form("/admin/oauth/access_token", asked)
        access = tokens_of(said, "Shopify", "", lives(said, self._context.clock))
        return Tokens(access.access, secret, access.expires)

    def orders(self, query: str, key: str) -> Iterator[list[Document]]:
        """Yield the orders that a search finds, oldest first by ``key`` (UPDATED_AT, PROCESSED_AT), page by page; see ``whole``.

        Raises:
            SourceError: Shopify cannot be asked.

        """
        after: str | None = None
        while True:
            variables = {"first": self._settings.page, "after": after, "query": query, "key": key}
            found = _inside(self._ask(queries.orders(self._fields), variables), "orders")
            page = [node for node in found.get("nodes") or () if isinstance(node, Mapping)]
            if page:
                yield page
            info = _inside(found, "pageInfo")
            if not info.get("hasNextPage") or not info.get("endCursor"):
                return
            after = str(info["endCursor"])

    def order(self, number: str) -> Document | None:
        """One order by its number; None where there is none."""
        found = self._ask(queries.order(self._fields), {"id": f"gid://shopify/Order/{number}"}).get("order")
        return found if isinstance(found, Mapping) else None

    def whole(self, order: Document) -> Document:
        """Return an order with all its lines and refunds, which a list holds only the beginning of."""
        whole = dict(order)
        lines = _inside(order, "lineItems")
        nodes, info = list(lines.get("nodes") or ()), _inside(lines, "pageInfo")
        while info.get("hasNextPage") and info.get("endCursor"):
            more = self._ask(queries.MORE_LINES, {"id": order.get("id"), "after": info["endCursor"]})
            lines = _inside(_inside(more, "order"), "lineItems")
            nodes += lines.get("nodes") or ()
            info = _inside(lines, "pageInfo")
        whole["lineItems"] = {"nodes": nodes}
        if order.get("refunds"):
            found = _inside(self._ask(queries.REFUNDS, {"id": order.get("id")}), "order")
            whole["refunds"] = found.get("refunds") or []
        return whole

    def about(self) -> tuple[Document, frozenset[str]]:
        """Return the shop (name, currency, zone), and the scopes of the token."""
        said = self._ask(queries.ABOUT, {})
        scopes = _inside(said, "currentAppInstallation").get("accessScopes") or ()
        return _inside(said, "shop"), frozenset(str(one.get("handle")) for one in scopes if isinstance(one, Mapping))

    def _ask(self, query: str, variables: Mapping[str, object]) -> Document:
        """Return the data of an answer, asked for once the bucket holds enough for a query like the last one."""
        for _ in range(_TRIES):
            self._await_room()
            said = self.http.ask(self._path, {"query": query, "variables": dict(variables)})
            if not isinstance(said, Mapping):
                break
            self._learn(_inside(_inside(said, "extensions"), "cost"))
            errors = [one for one in said.get("errors") or () if isinstance(one, Mapping)]
            codes = {str(_inside(one, "extensions").get("code") or "") for one in errors}
            if "THROTTLED" in codes:
                self._left = min(self._left, max(self._cost - 1, 0.0))
                continue
            _check(errors, codes)
            data = said.get("data")
            if isinstance(data, Mapping):
                return data
            break
        else:
            raise SourceRateLimited(
                "Shopify asks us to wait: its query cost is used up", timedelta(seconds=self._wait_s() or 10)
            )
        raise SourceUnavailable("Shopify answered without data", "syncd continues automatically once it answers.")

    def _await_room(self) -> None:
        wait = min(self._wait_s(), _LONGEST_WAIT_S)
        if wait > 0 and self._context.clock.wait(self._context.stop, wait):
            raise SourceUnavailable("Shopify was not asked: syncd is stopping")

    def _wait_s(self) -> float:
        since = self._context.clock.elapsed().seconds - self._at
        lacks = self._cost - self._left - since * self._rate
        return lacks / self._rate + _MARGIN_S if lacks > 0 else 0.0

    def _learn(self, cost: Document) -> None:
        status = _inside(cost, "throttleStatus")
        self._cost = _float(cost.get("requestedQueryCost"), self._cost)
        self._left = _float(status.get("currentlyAvailable"), self._left)
        self._rate = max(_float(status.get("restoreRate"), self._rate), 1.0)
        self._at = self._context.clock.elapsed().seconds


def _headers(token: str) -> Mapping[str, str]:
    return {"X-Shopify-Access-Token": token}


def _check(errors: list[Document], codes: set[str]) -> None:
    if not errors:
        return
    words = "; ".join(str(one.get("message") or "") for one in errors[:3])[:300]
    if "ACCESS_DENIED" in codes:
        raise SourceAccessDenied(
            f"Shopify refused us: {words}", f"{_DENIED} customers = false and staff = false do without some."
        )
    raise SourceRejected(f"Shopify does not take the question: {words}", 200, next(iter(codes), ""))


def stamp(at: datetime) -> str:
    """Return a time as a search takes it, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _inside(holder: Document, name: str) -> Document:
    found = holder.get(name)
    return found if isinstance(found, Mapping) else {}


def _float(value: Any, default: float) -> float:  # noqa: ANN401  whatever JSON is there
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else default
