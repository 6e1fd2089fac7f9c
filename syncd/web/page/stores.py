"""Stores: a table of all, to search and to sort, and one store with its quota and its circuit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from syncd.ledger import Sides
from syncd.sale.states import State
from syncd.service.job_names import push_job
from syncd.service.overview import StoreStands
from syncd.service.pauses import try_now
from syncd.web.page.actions import said
from syncd.web.page.activity import charts_of, orders_today
from syncd.web.page.charts import Sparkline, sparkline
from syncd.web.page.context import PageContext
from syncd.web.page.flash import FlashMessage
from syncd.web.page.lists import Slice, fits, heads_of
from syncd.web.page.request import HtmlPage, PageRequest, PageResult

_TRIED = "{} is tried now; this page shows how that went. {}"
_NEVER = datetime.min.replace(tzinfo=UTC)
_EVER = datetime.max.replace(tzinfo=UTC)


class StoreRow(Struct, frozen=True):
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

    @property
    def held(self) -> int:
        """How many of its sales wait for a decision."""
        return self.stands.states[State.HELD] + self.stands.states[State.REJECTED]


class ShownStore(Struct, frozen=True):
    """A row of the table: the store, its orders of the last day as a line, and both sides of the last week where they are known."""

    row: StoreRow
    spark: Sparkline | None
    sides: list[Sides] | None


_Key = Callable[[StoreRow], Any]
_ORDERS: Mapping[str, tuple[str, _Key]] = {
    "need": ("Needs it most", lambda row: (not row.stands.pause.paused_why, -row.attention, _since(row), row.name)),
    "name": ("Store", lambda row: row.name.casefold()),
    "today": ("Today", lambda row: (-row.today, row.name)),
    "waiting": ("Waiting", lambda row: (-row.stands.waiting, row.name)),
    "held": ("Held", lambda row: (-row.held, row.name)),
    "wait": ("Longest wait", lambda row: (_since(row), row.name)),
    "newest": ("Newest order", lambda row: (row.stands.lag.newest_synced or _NEVER, row.name)),
}
_HOURS, _DAYS = 24, 7
_MOMENT, _WHILE = timedelta(seconds=15), timedelta(minutes=2)


def _since(row: StoreRow) -> datetime:
    return row.stands.lag.live_since or _EVER


def stores(context: PageContext, ask: PageRequest) -> HtmlPage:
    """Every store, or those whose name or hash has some words, in the order that was asked for."""
    words, order = ask.query.get("q", ""), ask.query.get("sort", "")
    order = order if order in _ORDERS else "need"
    found = [row for row in rows_of(context) if fits(words, row.name, row.store_hash)]
    shown = Slice.of(sorted(found, key=_ORDERS[order][1]), ask)
    values = {"shown": shown, "rows": drawn(context, shown.rows), "words": words, "order": order}
    return HtmlPage("stores.html", {**values, "heads": heads_of(_ORDERS, words)})


def neediest(context: PageContext, most: int) -> list[ShownStore]:
    """Return the stores that need a person most, or have most to do."""
    return drawn(context, sorted(rows_of(context), key=_ORDERS["need"][1])[:most])


def drawn(context: PageContext, rows: Sequence[StoreRow]) -> list[ShownStore]:
    """Return stores with what takes longer to look up: it is there a moment later, where it is not yet."""
    names, ledger = tuple(row.name for row in rows), context.app.ledger
    first = context.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS)
    last = context.today()
    orders = context.background.get({("orders", names): lambda: ledger.activity.orders_of(names, first)}, _MOMENT)
    looks: dict[Hashable, Callable[[], list[Sides]]] = {
        ("week", name): partial(ledger.overviews.sides_of_store, name, last - timedelta(days=_DAYS - 1), last)
        for name in names
    }
    weeks = context.background.get(looks, _WHILE)
    of_store = orders["orders", names]
    return [
        ShownStore(row, _spark(of_store[row.name], first) if of_store else None, weeks["week", row.name])
        for row in rows
    ]


def _spark(orders: Mapping[datetime, int], first: datetime) -> Sparkline:
    of_hour = [0.0] * (_HOURS + 1)
    for slot, number in orders.items():
        if 0 <= (hour := (slot - first) // timedelta(hours=1)) <= _HOURS:
            of_hour[hour] += number
    return sparkline(
        of_hour, f"{sum(orders.values()):,} orders in the last 24 hours, {max(of_hour):,.0f} in the busiest hour"
    )


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
    (one,) = drawn(context, [row])
    values = {"store": row, "states": states, "quota": context.operations.quota(row.name), "sides": one.sides}
    return HtmlPage("store.html", {**values, "charts": charts_of(context, row.name)})


def try_again(context: PageContext, request: PageRequest) -> PageResult:
    """Somebody says that a paused store answers again: try it at once."""
    name = str(request.named.get("name"))
    if name not in context.app.config.stores:
        return HtmlPage("nothing.html", {"what": "There is no such store."}, 404)
    words = try_now(context.app, name)
    context.operations.run_now(push_job(name))
    return said(context, f"/stores/{quote(name)}", FlashMessage(_TRIED.format(name, words).strip()))
