"""What every source's table in the config may say, whatever its adapter."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from syncd.canonical import CanonicalOrder
from syncd.durations import Duration
from syncd.http.limits import https_or_loopback
from syncd.secret import Secret
from syncd.sources.zones import zone


def _moment(value: object) -> object:
    """``"now"``, ``"ever"``, a day (from its midnight, UTC) or a time with its offset."""
    if value in (None, "now", "ever"):
        return value
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    raise ValueError(_START)


_START = 'must be "now", "ever", a day such as "2026-11-23" or a time such as "2026-11-23T09:00:00-06:00"'
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = re.compile(r"(\d{4}-)?\d{2}-\d{2}")


def _closed_day(value: object) -> object:
    """``"sun"`` or ``"Sunday"``, ``"12-25"`` of each year, or ``"2026-11-26"``."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    text = str(value).strip().lower()
    if len(text) >= 3 and (
        day := next((short for short in _WEEKDAYS if text.startswith(short) and text.isalpha()), None)
    ):
        return day
    if _DAY.fullmatch(text):
        with suppress(ValueError):
            date.fromisoformat(text if len(text) > 5 else f"2024-{text}")  # a leap year: 02-29 is a day
            return text
    msg = 'must be a weekday such as "sun", a day of each year such as "12-25" or a day such as "2026-11-26"'
    raise ValueError(msg)


ClosedDay = Annotated[str, BeforeValidator(_closed_day)]
"""A day on which a shop is closed."""


def is_closed(day: date, closed: tuple[str, ...]) -> bool:
    """Whether a shop is closed on a day."""
    return bool({_WEEKDAYS[day.weekday()], f"{day:%m-%d}", day.isoformat()} & set(closed))


StartFrom = Annotated[Literal["now", "ever"] | datetime | None, BeforeValidator(_moment)]
"""Since when sales are carried. None: from now where a source has a past (an account), ever where it has none (a folder)."""


class SourceSettings(BaseModel):
    """``[sources.<name>]``: what all sources share; the rest of the table is the adapter's own (``settings``).

    ``host`` is the only machine of a fleet that reads the source, whose folder lies on its disk; ``*`` where all see that folder.
    ``formerly`` is the first name of a source that was renamed: its sale keys begin with that for good. ``closed`` are the days on
    which its shop sells nothing: weekdays ("sun"), days of each year ("12-25") or single days ("2026-11-26").
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str
    store: str = ""
    stores: dict[str, str] = Field(default_factory=dict)
    every: Duration = timedelta(seconds=30)
    enabled: bool = True
    host: str = ""
    formerly: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,62})?$")] = ""
    start_from: StartFrom = None
    closed: tuple[ClosedDay, ...] = ()

    def store_of(self, order: CanonicalOrder) -> str:
        """Return the store of a sale: by its location's id, else by its name, else the source's own."""
        place = order.location
        return (place and (self.stores.get(place.id) or self.stores.get(place.name))) or self.store

    @property
    def all_stores(self) -> tuple[str, ...]:
        """Every store that a sale of this source may go to."""
        return tuple(dict.fromkeys((self.store, *self.stores.values())))


def _known(name: str) -> str:
    zone(name)
    return name


ApiUrl = Annotated[str, AfterValidator(https_or_loopback)]
"""Where an API is: https, or a server on this machine."""
ZoneName = Annotated[str, AfterValidator(_known)]
"""An IANA time zone."""


class SignedOrNot(BaseModel):
    """A webhook whose signature ``client_secret`` checks; one that was made by hand carries none, and is a mere hint to poll."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_secret: Secret | None = None
    unsigned: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.client_secret is None) == (not self.unsigned):
            msg = "client_secret is required, or unsigned = true where the webhook was made by hand"
            raise ValueError(msg)
        return self
