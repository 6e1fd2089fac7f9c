"""When a request whose outcome is not known may be forgotten, and when it must be looked for. Pure."""

from __future__ import annotations

from datetime import timedelta

from syncd.clock import Now
from syncd.ledger import Doubt, Kind
from syncd.plan.steps import LookUp


def still_open(doubt: Doubt, settle: timedelta, now: Now) -> LookUp | None:
    """When to look next; None once a late commit is out of the question.

    A create is absent only at two looks ``settle`` apart, the last of them ``2 x settle`` on. A change waits as long without a
    look, for whatever follows is computed from the order as it then is: a late one must not overtake that. Times are boot time;
    those of another boot say nothing, so a doubt that outlives its boot begins anew.
    """
    gap = settle.total_seconds()
    ages = [age for look in doubt.looks if (age := now.boot.since(look)) is not None]
    since = now.boot.since(doubt.since)
    first_look = max(ages, default=0.0)
    unknown_for = max(first_look, since or 0.0)
    if doubt.kind is not Kind.CREATE:
        wait = 2 * gap - unknown_for
        return LookUp(now.wall + timedelta(seconds=wait), _CHANGE) if wait > 0 else None
    if not ages:
        return LookUp(now.wall + timedelta(seconds=gap), _CREATE)
    wait = max(gap - (first_look - min(ages)), 2 * gap - unknown_for)
    return LookUp(now.wall + timedelta(seconds=wait), _ABSENT) if wait > 0 else None


_CREATE = "whether the order was made is unknown: it is looked for"
_ABSENT = "absent so far; a late commit may still bring it"
_CHANGE = "whether the change arrived is unknown: once it can no longer be late, the order is looked at"
