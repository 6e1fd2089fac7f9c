"""How the address of ``[events]`` does: since when it takes nothing, and when it is tried again."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from msgspec import Struct

from syncd.app import App
from syncd.logs import get_logger

_FAILING = "failing"
LONGEST_WAIT = timedelta(hours=1)
"""No receiver is left alone for longer, whatever it asks for."""
_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 600))


class Outage(Struct, frozen=True):
    """Since when the address takes nothing, why, how often it was tried, and when it is tried again."""

    why: str
    since: datetime
    tries: int
    again_at: datetime

    def rests(self, now: datetime) -> bool:
        """Whether the address is to be left alone now; a time that is further away was kept by a clock that was ahead."""
        return now < self.again_at <= now + LONGEST_WAIT


def outage_of(app: App) -> Outage | None:
    """Return the outage of the address; None while it takes events."""
    kept = app.ledger.state.get("events", [_FAILING]).get(_FAILING)
    if kept is None:
        return None
    said = json.loads(kept)
    since, again_at = datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["again_at"])
    return Outage(said["why"], since, said["tries"], again_at)


def note_outage(app: App, why: str, wait: timedelta, *, answered: bool) -> None:
    """Keep that the address takes nothing now, and when it is tried again: not before the ``wait`` that it asked for.

    ``answered``: it took some events until now, so this is a new outage.
    """
    before, now = outage_of(app), app.clock.now()
    if answered:
        before = None
    tries, since = (before.tries, before.since) if before is not None else (0, now)
    again_at = now + max(_PAUSES[min(tries, len(_PAUSES) - 1)], wait)
    kept = {"why": why, "since": since.isoformat(), "tries": tries + 1, "again_at": again_at.isoformat()}
    app.ledger.state.put("events", {_FAILING: json.dumps(kept)})
    if before is None or before.why != why:
        get_logger().warning("events_not_sent", why=why, cure="Try the address with: syncd events test")


def end_outage(app: App) -> None:
    """Keep that the address takes events."""
    before = outage_of(app)
    if before is not None:
        app.ledger.state.drop("events", [_FAILING])
        after_s = round((app.clock.now() - before.since).total_seconds())
        get_logger().info("events_sent_again", after_s=after_s)
