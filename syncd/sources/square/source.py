"""The Square source: walks the account's orders by the time of their last change, location by location."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.consent import Consent
from syncd.sources.context import SourceContext
from syncd.sources.dedup import told_documents
from syncd.sources.oauth import OAuth
from syncd.sources.records import Document, NotReady, ParseResult, Unreadable, moment, parse_documents
from syncd.sources.setup import Setup
from syncd.sources.square.api import SquareApi, stamp
from syncd.sources.square.lookups import Lookups
from syncd.sources.square.reading import SquareLocation, is_ready, read_order
from syncd.sources.square.settings import SquareSettings
from syncd.sources.square.setup import SETUP
from syncd.sources.square.webhook import heard

_LOCATIONS_AT_ONCE = 10
_PLACES_KEPT = timedelta(hours=1)
_READY_WITHIN = timedelta(minutes=15)
_OFFLINE = timedelta(
    days=4
)  # how much later than it was made an offline sale may come: https://squareup.com/help/us/en/article/7777


class SquareSource:
    """One seller's account."""

    Settings: ClassVar[type[BaseModel]] = SquareSettings
    SETUP: ClassVar[Setup] = SETUP

    def __init__(self, settings: SquareSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        self._api = SquareApi(settings, context)
        self._lookups = Lookups(self._api, settings, context.clock)
        self._places: dict[str, SquareLocation] = {}
        self._places_at: datetime | None = None
        self._told = told_documents("id", "updated_at")

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Yield what changed since the cursor, less an overlap.

        Once in a while all of the last days, for what Square shows late.
        """
        where = list(self._known_places())
        begin = _Positions.read(since, self._now() + timedelta(days=1))
        looked = begin.looked if begin.at else self._now()
        at = _Positions({place: begin.at.get(place) or self._start() for place in where}, looked)
        if self._now() - looked >= self._settings.look_back_every:
            yield from self._look_back(at)
            at = _Positions(at.at, self._now())
            yield Batch((), (), at.text())
        begun = _Positions({place: t - self._settings.overlap for place, t in at.at.items()}, at.looked)
        yield from self._walk(begun, moves=at)

    def _look_back(self, at: _Positions) -> Iterator[Batch]:
        long_ago, oldest = self._now() - self._settings.look_back, self._start()
        back = {place: max(min(reached, long_ago), oldest) for place, reached in at.at.items()}
        yield from self._walk(_Positions(back, at.looked), keeps=at)

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the sales placed in ``[start, end)``.

        By the time at which they were closed, and some days on for those made offline.
        """
        where = list(self._known_places())
        begun = _Positions.read(since, None)
        at = _Positions({place: begun.at.get(place, start - timedelta(minutes=5)) for place in where}, start)
        until = min(end + _OFFLINE, self._now())
        for batch in self._walk(at, field="closed_at", until=until, moves=at):
            yield batch.placed_within(start, end)

    def fetch_one(self, sale_id: str) -> Batch | None:
        """One order by its id; None where Square has not got it yet, or not its lines."""
        order = self._api.order(sale_id)
        if order is None or not _ready(order):
            return None
        self._known_places()
        return self._batch([order], None)

    def receives(self) -> bool:
        """Whether a webhook is configured."""
        return self._settings.webhook is not None

    def receive(self, delivery: Delivery) -> Received:
        """Return which orders a webhook of payments, refunds or orders is about."""
        return heard(delivery, self._settings.webhook)

    def consent(self) -> Consent | None:
        """How the seller gives access; None where the config has a token of the seller's own.

        Source: https://developer.squareup.com/docs/oauth-api/create-urls-for-square-authorization
        """
        oauth = self._settings.oauth
        if oauth is None or not isinstance(self._api.auth, OAuth):
            return None
        wanted = {"skus": "ITEMS_READ", "customers": "CUSTOMERS_READ", "staff": "EMPLOYEES_READ"}
        more = [scope for name, scope in wanted.items() if getattr(self._settings, name)]
        return Consent(
            vendor="Square",
            page=f"{self._settings.api_url}/oauth2/authorize",
            client_id=oauth.client_id,
            exchange=self._api.exchanged,
            keep=self._api.auth.keep,
            scopes=("ORDERS_READ", "PAYMENTS_READ", "MERCHANT_PROFILE_READ", *more),
            params={"session": "false"},
            pkce=oauth.client_secret is None,
        )

    def check(self) -> Sequence[Finding]:
        """Whether the token opens the account, sees the locations, and may read what the settings want of it."""
        try:
            places = self._places_now()
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]
        findings = [
            Finding("ok", f"Square answers; locations {', '.join(f'{p.id} ({p.name})' for p in places.values())}")
        ]
        for missing in sorted(set(self._settings.locations) - places.keys()):
            known = ", ".join(f"{place.id} ({place.name})" for place in places.values()) or "none"
            findings.append(
                Finding("error", f"there is no active location {missing}", f"Set locations to some of: {known}")
            )
        findings += [_barred(what, why) for what in ("skus", "customers", "staff") if (why := self._may(what))]
        if self._settings.webhook is None:
            cure = f"For orders within a second, add a webhook subscription and [sources.{self._context.configured}.webhook]."
            findings.append(Finding("ok", f"no webhook: sales are found by polling. {cure}"))
        return findings

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _may(self, what: str) -> str:
        return self._api.may(what) if getattr(self._settings, what) else ""

    def _now(self) -> datetime:
        return self._api.http.now()

    def _start(self) -> datetime:
        return self._context.start_from()

    def _places_now(self) -> dict[str, SquareLocation]:
        listed = [place for place in map(_place, self._api.locations()) if place is not None]
        return {place.id: place for place in listed}

    def _known_places(self) -> dict[str, SquareLocation]:
        """Return the locations to walk; asked for again once in a while, for a shop may open another one."""
        now = self._now()
        if self._places_at is None or not timedelta(0) <= now - self._places_at < _PLACES_KEPT:
            self._places, self._places_at = self._places_now(), self._now()
        wanted = self._settings.locations or tuple(self._places)
        if missing := sorted(set(wanted) - self._places.keys()):
            known = ", ".join(f"{place.id} ({place.name})" for place in self._places.values()) or "none"
            raise SourceError(
                f"Square has no active location {', '.join(missing)}", f"Set locations to some of: {known}"
            )
        return {place: self._places[place] for place in wanted}

    def _walk(
        self,
        begin: _Positions,
        *,
        field: str = "updated_at",
        until: datetime | None = None,
        moves: _Positions | None = None,
        keeps: _Positions | None = None,
    ) -> Iterator[Batch]:
        """Every order of each location from its position on; batches carry ``moves``, moved on, or ``keeps`` as it is."""
        for where in begin.groups():
            first = min(begin.at[place] for place in where)
            stopped_at: datetime | None = None
            for whole in self._api.orders(where, field, (first, until)):
                page = whole if field == "closed_at" else self._told.fresh(whole)
                if not page:
                    continue
                late = [moment(order.get(field)) for order in page if not self._is_ready_or_old(order)]
                stopped_at = min((at for at in (stopped_at, *late) if at is not None), default=None)
                cursor = keeps.text() if keeps else None
                if moves is not None:
                    last = moment(page[-1].get(field))
                    reached = min((at for at in (last, stopped_at) if at is not None), default=None)
                    cursor = moves.move(where, reached).text()
                yield self._batch(page, cursor)
                self._told.note([order for order in page if _ready(order)])
                if self._context.stop.is_set():
                    return

    def _is_ready_or_old(self, order: Document) -> bool:
        changed = moment(order.get("updated_at"))
        return _ready(order) or changed is None or self._now() - changed > _READY_WITHIN

    def _batch(self, page: Sequence[Document], cursor: Cursor | None) -> Batch:
        around = self._lookups.around(page, self._places)

        def read(order: Document) -> ParseResult:
            found = read_order(order, around, self._context.name, self._settings.leave_out)
            if isinstance(found, NotReady) and self._is_ready_or_old(order):
                msg = "it is paid, and Square shows neither lines nor returns of it"
                raise Unreadable(msg)
            return found

        return parse_documents(page, read, cursor)


class _Positions:
    """How far each location has been walked, and when the last days were last looked over. What a cursor holds."""

    def __init__(self, at: Mapping[str, datetime], looked: datetime) -> None:
        self.at, self.looked = dict(at), looked

    @classmethod
    def read(cls, cursor: Cursor | None, latest: datetime | None) -> _Positions:
        """Return what a cursor says; of a time after ``latest``, or of what cannot be read, nothing."""
        try:
            said = json.loads(cursor or "{}")
            times = {str(place): moment(text) for place, text in said.get("at", {}).items()}
            looked = moment(said.get("looked"))
        except (ValueError, AttributeError):
            times, looked = {}, None
        good = {place: at for place, at in times.items() if at is not None and (latest is None or at <= latest)}
        return cls(good, looked or datetime(1970, 1, 1, tzinfo=UTC))

    def groups(self) -> Iterator[list[str]]:
        """Locations that are asked for together: those at one place of the walk, at most ten of them."""
        order = sorted(self.at, key=lambda place: (self.at[place], place))
        while order:
            same = [place for place in order if self.at[place] == self.at[order[0]]][:_LOCATIONS_AT_ONCE]
            order = [place for place in order if place not in same]
            yield same

    def move(self, where: Sequence[str], reached: datetime | None) -> _Positions:
        """Note that the walk of these locations has come so far; it never goes back."""
        if reached is not None:
            for place in where:
                self.at[place] = max(self.at[place], reached)
        return self

    def text(self) -> Cursor:
        return json.dumps(
            {"at": {place: stamp(at) for place, at in sorted(self.at.items())}, "looked": stamp(self.looked)}
        )


def _ready(order: Document) -> bool:
    try:
        return is_ready(order)
    except Unreadable:
        return True  # reading it will say what is wrong


def _place(location: Document) -> SquareLocation | None:
    if location.get("status", "ACTIVE") != "ACTIVE":
        return None
    try:
        zone: Any = ZoneInfo(str(location.get("timezone") or "UTC"))
    except (ValueError, OSError, KeyError):
        zone = UTC
    name = str(location.get("name") or location.get("business_name") or "")
    return SquareLocation(str(location.get("id")), name, zone, str(location.get("currency") or ""))


_SCOPES = {"skus": "ITEMS_READ", "customers": "CUSTOMERS_READ", "staff": "EMPLOYEES_READ"}


def _barred(what: str, why: str) -> Finding:
    return Finding("error", why, f"Grant {_SCOPES[what]}, or set {what} = false for this source.")
