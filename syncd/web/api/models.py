"""What the API answers. Amounts are text in major units of their currency; times are ISO 8601 with their offset.

Fields of who bought and what was sold are null for tokens without the scope ``customers``.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class ErrorOut(_Answer):
    """Why a request was not answered, and what to do."""

    what: str
    cure: str = ""


class NeedOut(_Answer):
    """Something that needs a person: how bad (bad, look, note), a code that stays the same, the words, and what to do."""

    level: str
    code: str
    words: str
    cure: str


class StatusOut(_Answer):
    """How things stand. ``well``: nothing needs a person; ``running``: a daemon or a worker is at work."""

    well: bool
    running: bool
    orders_today: int
    waiting: int
    attention: int
    stores: int
    needs: list[NeedOut]


class StoreOut(_Answer):
    """One store: sales by state, orders made today, and how far behind it is."""

    name: str
    store_hash: str
    paused: bool
    why: str
    cure: str
    orders_today: int
    waiting: int
    attention: int
    states: dict[str, int]
    waiting_since: datetime | None
    newest_order_at: datetime | None


class StoresOut(_Answer):
    """A page of stores; ``next`` is the number of the next page."""

    items: list[StoreOut]
    total: int
    next: int | None


class SourceOut(_Answer):
    """One source: when it was read last, and what it could not read."""

    name: str
    type: str | None
    stores: list[str]
    last_polled_at: datetime | None
    problem: str
    unreadable_records: int


class SourcesOut(_Answer):
    """A page of sources; ``next`` is the number of the next page."""

    items: list[SourceOut]
    total: int
    next: int | None


class SaleOut(_Answer):
    """One sale. ``placed_at`` is in its own time zone; ``business_day`` is the till's own day."""

    id: int
    key: str
    state: str
    receipt: str | None
    store: str
    source: str
    location: str | None
    register: str | None = None  # with a default: else it would be ABCMeta's own attribute of that name
    placed_at: datetime
    business_day: date
    currency: str
    total_inc_tax: str
    total_tax: str
    order_id: int | None
    why: str
    cure: str
    customer: str | None
    goods: str | None
    paid_with: str | None


class SalesOut(_Answer):
    """A page of sales, newest first; ``next`` is the ``before`` of the next page."""

    items: list[SaleOut]
    next: str | None


class AttemptOut(_Answer):
    """One request to BigCommerce, and what came of it."""

    id: int
    kind: str
    began_at: datetime
    outcome: str | None
    http_status: int | None
    request_id: str | None
    seconds: float | None
    detail: str


class FactOut(_Answer):
    """A fact that a new version changed: its name, and what it was before and after."""

    what: str
    before: str
    after: str


class ChangeOut(_Answer):
    """One change of a sale: when, by whom, why, the state before and after; ``changes``: what the POS changed."""

    at: datetime
    by: str
    before: str | None
    after: str
    why: str
    changes: list[FactOut] | None


class StoryOut(_Answer):
    """A sale with every attempt and every change; ``document`` is what the POS says, as a canonical order."""

    sale: SaleOut
    order_link: str | None
    attempts: list[AttemptOut]
    changes: list[ChangeOut]
    document: dict[str, Any] | None


class ReasonOut(_Answer):
    """Sales of one store that wait for the same reason; ``totals`` by currency."""

    store: str
    state: str
    reason: str
    words: str
    help: str
    sales: int
    totals: dict[str, str]
    oldest_placed_at: datetime
    newest_placed_at: datetime
    since: datetime


class AttentionOut(_Answer):
    """What waits for a decision, by reason."""

    items: list[ReasonOut]


class AlertOut(_Answer):
    """An open alert: what it is about, the words, and what to do."""

    store: str
    kind: str
    subject: str
    words: str
    cure: str
    at: datetime | None


class AlertsOut(_Answer):
    """The open alerts, oldest first."""

    items: list[AlertOut]


class BackfillOut(_Answer):
    """One backfill: its first and last day, its stage, and how many of its sales are still to be pushed."""

    number: int
    source: str
    start: datetime
    end: datetime
    stage: str
    asked_by: str
    asked_at: datetime
    sales: int
    waiting: int
    last_error: str


class BackfillsOut(_Answer):
    """The newest backfills."""

    items: list[BackfillOut]


class DayOut(_Answer):
    """One business day of a source, in one currency: what the till sold, and what BigCommerce has."""

    day: date
    source: str
    currency: str
    sales: int
    pos_total: str
    orders: int
    order_total: str
    difference: str
    missing: int


class DaysOut(_Answer):
    """Days, the newest first."""

    items: list[DayOut]


class LogLineOut(_Answer):
    """One line of the log: what happened to which sale, by whom."""

    at: datetime
    sale_id: int
    key: str
    by: str
    before: str | None
    after: str
    why: str
    http_status: int | None
    request_id: str | None
    order_id: int | None


class LogOut(_Answer):
    """A page of the log, newest first; ``next`` is the ``before`` of the next page."""

    items: list[LogLineOut]
    next: str | None
