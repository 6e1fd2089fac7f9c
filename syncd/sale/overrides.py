"""What people decide about a sale: overrides that stand side by side, each for one version or for all. Pure.

Decisions are kept in the order in which they were made; which of them hold follows from that order, so that the last one can be
undone. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Verb(StrEnum):
    """What a person may decide about a sale."""

    RETRY = "retry"  # try this version once more
    RELEASE = "release"  # push this version as it is
    ACCEPT = "accept"  # the order is right as it stands; later versions go out
    SKIP = "skip"  # never push it
    HOLD = "hold"  # not before a person says so
    ASIDE = "set-aside"  # left out with its backfill, until the sale arrives again
    LINK = "link"  # its goods came from the sale that the decision names
    UNDO = "undo"  # take the last decision back


LASTING = (Verb.SKIP, Verb.HOLD, Verb.ASIDE)
"""Overrides for every version of a sale; the others are for one."""
_ENDS: Mapping[Verb, tuple[Verb, ...]] = {
    Verb.RETRY: (Verb.ACCEPT, *LASTING),
    Verb.RELEASE: (Verb.ACCEPT, *LASTING),
    Verb.ACCEPT: LASTING,
    Verb.SKIP: (Verb.HOLD, Verb.ASIDE),
    Verb.HOLD: (Verb.SKIP, Verb.ASIDE),
    Verb.ASIDE: (Verb.SKIP, Verb.HOLD),
    Verb.LINK: (Verb.SKIP, Verb.ASIDE),
}
_MOST = 20


class Override(Struct, frozen=True):
    """One decision of a person: for which version, when and why; ``why`` of a link is the key of the linked sale."""

    verb: Verb
    by: str
    at: datetime
    fingerprint: str
    why: str = ""


class Overrides(Struct, frozen=True):
    """All overrides of a sale, the oldest first."""

    made: tuple[Override, ...] = ()

    def adding(self, decision: Override) -> Overrides:
        """Return them with one more; an undo removes the last."""
        if decision.verb is Verb.UNDO:
            return Overrides(self.made[:-1])
        return Overrides((*self.made, decision)[-_MOST:])

    def without(self, verb: Verb) -> Overrides:
        """Return them without those of one kind."""
        return Overrides(tuple(one for one in self.made if one.verb is not verb))

    @property
    def in_force(self) -> tuple[Override, ...]:
        """The overrides that no later one has ended; of one kind, the last."""
        kept: list[Override] = []
        for one in self.made:
            ended = (one.verb, *_ENDS.get(one.verb, ()))
            kept = [*(before for before in kept if before.verb not in ended), one]
        return tuple(kept)

    def of(self, verb: Verb, fingerprint: str | None = None) -> Override | None:
        """Return the override of a kind that is in force, for one version where it is given."""
        if not self.made:
            return None
        found = next((one for one in self.in_force if one.verb is verb), None)
        return found if found is not None and fingerprint in (None, found.fingerprint) else None

    @property
    def link(self) -> str | None:
        """The key of the sale that a return was linked to."""
        made = self.of(Verb.LINK)
        return made.why if made else None

    @property
    def last(self) -> Override | None:
        """The last override that is in force."""
        held = self.in_force
        return held[-1] if held else None

    def renamed(self, old: str, new: str) -> Overrides:
        """Return them with another fingerprint for one version."""
        moved = [
            Override(one.verb, one.by, one.at, new if one.fingerprint == old else one.fingerprint, one.why)
            for one in self.made
        ]
        return Overrides(tuple(moved))

    def to_json(self) -> str | None:
        """Return them as JSON; None where there are none."""
        rows = [[one.verb, one.by, one.at.isoformat(), one.fingerprint, one.why] for one in self.made]
        return json.dumps(rows) if rows else None

    @classmethod
    def from_json(cls, text: str | None) -> Overrides:
        """Read what ``to_json`` wrote."""
        rows = json.loads(text) if text else ()
        return cls(tuple(Override(Verb(row[0]), row[1], datetime.fromisoformat(row[2]), *row[3:]) for row in rows))


NO_OVERRIDES = Overrides()
