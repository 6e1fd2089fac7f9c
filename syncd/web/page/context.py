"""What every view works with: the app, its jobs, time zones, and what was looked up a moment ago."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Protocol, TypeVar

from syncd.app import App
from syncd.bigcommerce.governor import GovernorReport
from syncd.clock import Clock, Now
from syncd.service.health import HealthPart
from syncd.service.overview import SystemOverview
from syncd.web.page.background import BackgroundReads
from syncd.web.page.flash import FlashMessages

T = TypeVar("T")
_MOST_KEPT = 2_000
_MOMENT = timedelta(seconds=2)


class Operations(Protocol):
    """Whoever works on the stores: the daemon around the page, or a fleet. What the page asks of it, and has done by it."""

    def run_now(self, job: str) -> None:
        """Have a job done soon; its name is that of ``service.jobs``."""

    def quota(self, store: str) -> GovernorReport | None:
        """Return how a store's quota stands; None where it is not known."""

    def parts(self) -> Mapping[str, HealthPart]:
        """Return how each job does, by its name."""


class PageContext:
    """The app behind the page."""

    def __init__(self, app: App, operations: Operations, *, read_only: bool = False) -> None:
        self.app, self.operations, self.read_only = app, operations, read_only
        self.kept = TimedCache(app.clock)
        self.flashes = FlashMessages(app.clock)
        self.background = BackgroundReads(app.clock)

    def take_up(self, app: App) -> None:
        """Show another config from now on."""
        self.app = app

    def standing(self) -> SystemOverview:
        """Return how things stand, as of a moment ago."""
        return self.kept.get("standing", _MOMENT, lambda: SystemOverview.of(self.app))

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return self.app.clock.now()

    def zone_of(self, source: str | None = None) -> tzinfo:
        """Return the time zone of a source, else of the shop: that of its first source."""
        till = self.app.tills.get(source or "") or next(iter(self.app.tills.values()), None)
        return till.zone if till is not None else UTC

    def today(self, source: str | None = None) -> date:
        """Return the day that it is in a source's time zone."""
        return self.now.astimezone(self.zone_of(source)).date()

    def day(self, day: date, source: str | None = None) -> tuple[datetime, datetime]:
        """When a day begins there, and when the next one does."""
        zone = self.zone_of(source)
        start, end = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
        return start.astimezone(UTC), end.astimezone(UTC)


class TimedCache:
    """What was looked up lately, each for its time; a page that is looked at all day costs the ledger little."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Now, Any]] = OrderedDict()

    def get(self, key: Hashable, lasts: timedelta, look: Callable[[], T]) -> T:
        """Return what is kept under ``key`` and no older than that, else what ``look`` finds now."""
        now = Now.of(self._clock)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and now.age(kept[0]) < lasts:
            value: T = kept[1]
            return value
        value = look()
        with self._lock:
            self._kept[key] = (now, value)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return value
