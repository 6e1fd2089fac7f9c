"""The addresses of the API: what each answers, which scope may read it, and its parameters."""

from __future__ import annotations

from syncd.presentation.search import FILTERS
from syncd.roles import Scope
from syncd.web.api import sales, standing
from syncd.web.api.models import (
    AlertsOut,
    AttentionOut,
    BackfillsOut,
    DaysOut,
    LogOut,
    SalesOut,
    SourcesOut,
    StatusOut,
    StoreOut,
    StoresOut,
    StoryOut,
)
from syncd.web.api.request import MOST, USUAL, Endpoint, Parameter

_WORDS = Parameter("q", "Words; each must be in the name.")
_LIMIT = Parameter("limit", f"How many at once, {MOST} at most; {USUAL} where it is left out.", is_number=True)
_PAGES = (_WORDS, Parameter("page", "The number of the page, from 1.", is_number=True), _LIMIT)
_BEFORE = Parameter("before", "Where the page begins: `next` of the answer before.")
_FILTER_SAYS = {
    "state": "Of this state.",
    "source": "Of this source.",
    "store": "Of this store.",
    "day": "Of this business day, month or year: 2026-11-23, 2026-11, 2026.",
    "from": "Of this business day or later.",
    "to": "Of this business day or earlier.",
    "location": "Of this location.",
    "register": "Of this register.",
    "receipt": "With this receipt number.",
    "sku": "With a line of this SKU.",
    "total": "With this total.",
}
_SEARCH = (
    Parameter("q", "Any words: receipt, order number, customer, goods, SKU, amount, day, part of a key."),
    *(Parameter(name, _FILTER_SAYS[name]) for name in FILTERS),
    _BEFORE,
    _LIMIT,
)
_DAYS = (
    Parameter("source", "The source; required."),
    Parameter("from", "The first day; six days ago where it is left out."),
    Parameter("to", "The last day; today where it is left out."),
)
ENDPOINTS = (
    Endpoint("/status", "How things stand", Scope.STATUS, StatusOut, standing.status),
    Endpoint("/stores", "Stores", Scope.STATUS, StoresOut, standing.stores, _PAGES),
    Endpoint("/stores/{name}", "One store", Scope.STATUS, StoreOut, standing.store),
    Endpoint("/sources", "Sources", Scope.STATUS, SourcesOut, standing.sources, _PAGES),
    Endpoint("/alerts", "Open alerts", Scope.STATUS, AlertsOut, standing.alerts),
    Endpoint("/backfills", "The newest backfills", Scope.STATUS, BackfillsOut, standing.backfills),
    Endpoint("/days", "POS and BigCommerce compared by day", Scope.STATUS, DaysOut, standing.days, _DAYS),
    Endpoint("/sales", "Sales that a search finds, newest first", Scope.SALES, SalesOut, sales.sales, _SEARCH),
    Endpoint("/sales/{number}", "One sale with its story", Scope.SALES, StoryOut, sales.sale),
    Endpoint("/attention", "Sales that wait for a decision, by reason", Scope.SALES, AttentionOut, sales.attention),
    Endpoint("/log", "What happened to which sale", Scope.SALES, LogOut, sales.log, (_BEFORE, _LIMIT)),
)
