"""Stores: a table of all, to search and to sort, and one store with its quota and its circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from syncd.service.jobs import push_job
from syncd.service.overview import StoreStands
from syncd.web.page.context import PageContext
from syncd.web.page.lists import Slice, fits
from syncd.web.page.overview import orders_today, quota_chart
from syncd.web.page.request import HtmlPage, PageRequest

_NEVER = datetime.min.replace(tzinfo=UTC)
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store at a glance; ``standby`` is why another process sends its orders."""

    name: str
    store_hash: str
    stands: StoreStands
    today: int
    standby: str

    @property
    def attention(self) -> int:
        """How many sales and findings need a person."""
        return self.stands.attention


_Key = Callable[[StoreRow], Any]
_ORDERS: Mapping[str, tuple[str, _Key]] = {
    "need": ("Needs it most", lambda row: (not row.stands.pause.paused_why, -row.attention, _since(row), row.name)),
    "name": ("Store", lambda row: row.name.casefold()),
    "today": ("Today", lambda row: (-row.today, row.name)),
    "waiting": ("Waiting", lambda row: (-row.stands.waiting, row.name)),
    "attention": ("Attention", lambda row: (-row.attention, row.name)),
    "wait": ("Longest wait", lambda row: (_since(row), row.name)),
    "newest": ("Newest order", lambda row: (row.stands.lag.newest_synced or _NEVER, row.name)),
}


def _since(row: StoreRow) -> datetime:
    return row.stands.lag.live_since or _EVER


def stores(context: PageContext, ask: PageRequest) -> HtmlPage:
    """Every store, or those whose name or hash has some words, in the order that was asked for."""
    words, order = ask.query.get("q", ""), ask.query.get("sort", "")
    order = order if order in _ORDERS else "need"
    found = [row for row in rows_of(context) if fits(words, row.name, row.store_hash)]
    shown = Slice.of(sorted(found, key=_ORDERS[order][1]), ask)
    heads = {
        name: (title, f"?{urlencode({'q': words, 'sort': name} if words else {'sort': name})}")
        for name, (title, _) in _ORDERS.items()
    }
    return HtmlPage("stores.html", {"shown": shown, "words": words, "order": order, "heads": heads})


def rows_of(context: PageContext) -> list[StoreRow]:
    """Return every store of the config at a glance."""
    standing, parts, today = context.standing(), context.operations.parts(), orders_today(context)
    rows = []
    for name, stands in standing.stores.items():
        if (settings := context.app.config.stores.get(name)) is not None:
            part = parts.get(push_job(name))
            standby = part.standby if part is not None else ""
            rows.append(StoreRow(name, settings.connection.store_hash, stands, today.get(name, 0), standby))
    return rows


def store(context: PageContext, request: PageRequest) -> HtmlPage:
    """One store: its sales by state, its quota as it stands and as it was."""
    row = next((row for row in rows_of(context) if row.name == request.named.get("name")), None)
    if row is None:
        return HtmlPage("nothing.html", {"what": "There is no such store."}, 404)
    states = {state: number for state, number in row.stands.states.items() if number}
    values = {"store": row, "states": states, "quota": context.operations.quota(row.name)}
    return HtmlPage("store.html", {**values, "used": quota_chart(context, row.name)})
