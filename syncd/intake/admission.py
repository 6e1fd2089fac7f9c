"""Whether a source may be read under its name.

To the ledger a source is its name. One that reads what a source of another name read before would make second orders of whatever it
finds there, so it is left alone until a person says which it is: the old one by another name, or another one.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec import Struct
from pydantic import ValidationError

from syncd.clock import Clock
from syncd.errors import SecretMissing, SourceError
from syncd.ledger import KnownSource
from syncd.sources.sameness import Reads, may_be_same

_FRESH_S = 5.0


class NotAdmitted(SourceError):
    """A source is not read before a person has said which it is."""


class Candidate(Struct, frozen=True):
    """A source that is to be read: its name, the name in its sale keys, what it reads, and why that cannot be known here."""

    name: str
    keys: str
    reads: Reads
    unknown: SecretMissing | None = None


class Admissions:
    """Admits the sources of one config: of thousands, each is compared with those few that could be meant, and not with all.

    ``read`` returns what the ledger knows; it is asked again after seconds, and before anything is refused.
    """

    def __init__(
        self, read: Callable[[], Mapping[str, KnownSource]], present: Mapping[str, Reads], clock: Clock
    ) -> None:
        self._read, self._present, self._clock = read, present, clock
        self._known: dict[str, KnownSource] = {}
        self._by_keys: dict[str, set[str]] = {}
        self._loose: set[str] = set()
        self._read_at = -math.inf
        self._lock = threading.Lock()

    def check(self, candidate: Candidate, *, confirmed: bool = False) -> KnownSource | None:
        """Return what the ledger knows of a source that may be read; None where it is new.

        Raises:
            NotAdmitted: a person must say first which source it is.
            SecretMissing: what it reads is a secret that cannot be read here.

        """
        with self._lock:
            if self._clock.elapsed().seconds - self._read_at < _FRESH_S:
                with suppress(NotAdmitted):
                    admit(candidate, self._beside(candidate), self._present, confirmed=confirmed)
                    return self._known.get(candidate.name)
            self._refresh()
            admit(candidate, self._beside(candidate), self._present, confirmed=confirmed)
            return self._known.get(candidate.name)

    def noted(self, candidate: Candidate) -> None:
        """Count a source among the known ones from now on."""
        with self._lock:
            before = self._known.get(candidate.name, KnownSource(candidate.name, candidate.keys))
            reads = tuple(dict.fromkeys((*before.reads, candidate.reads.to_json())))
            self._add(KnownSource(candidate.name, candidate.keys, reads))

    def _refresh(self) -> None:
        self._known, self._by_keys, self._loose = {}, {}, set()
        for source in self._read().values():
            self._add(source)
        self._read_at = self._clock.elapsed().seconds

    def _add(self, source: KnownSource) -> None:
        self._known[source.name] = source
        self._by_keys.setdefault(source.keys, set()).add(source.name)
        if all(_still_reads(source.name, text, self._present) for text in source.reads):
            self._loose.discard(source.name)
        else:
            self._loose.add(source.name)

    def _beside(self, candidate: Candidate) -> dict[str, KnownSource]:
        """Return the known sources that matter: itself, those of its keys, those that read something which they read no more."""
        names = {candidate.name, *self._by_keys.get(candidate.keys, ()), *self._loose}
        return {name: self._known[name] for name in names if name in self._known}


def admit(
    candidate: Candidate, known: Mapping[str, KnownSource], present: Mapping[str, Reads], *, confirmed: bool = False
) -> None:
    """Return where a source may be read.

    ``known`` are the sources of the ledger; ``present`` is what each source of the config reads, those left out that are disabled.
    ``confirmed``: a person says that it is another source, whatever it reads.

    Raises:
        NotAdmitted: a person must say first which source it is.
        SecretMissing: what it reads is a secret that cannot be read here.

    """
    if candidate.unknown is not None:
        raise candidate.unknown
    own = known.get(candidate.name)
    if own is not None and own.keys != candidate.keys:
        _refuse_other_keys(candidate, own)
    for other in known.values():
        if other.name != candidate.name and other.keys == candidate.keys:
            _refuse_taken_keys(candidate, other, present)
    if confirmed or (own is not None and candidate.reads.to_json() in own.reads):
        return
    if own is not None and (before := types_before(candidate, own)):
        _refuse_another_type(candidate, before)
    for other in known.values():
        if other.name != candidate.name:
            _check_what_was_read(candidate, other, present)


def _check_what_was_read(candidate: Candidate, other: KnownSource, present: Mapping[str, Reads]) -> None:
    for text in other.reads:
        before = _read(text)
        if before is None or _still_reads(other.name, text, present):
            continue
        if what := may_be_same(before, candidate.reads):
            _refuse_what_was_read(candidate, other.name, what, present)


def types_before(candidate: Candidate, own: KnownSource) -> str:
    """Return the types that a source had before, in words, where it has another one now; empty where it has not."""
    types = {before.kind for text in own.reads if (before := _read(text)) is not None}
    return "" if candidate.reads.kind in types else " and ".join(sorted(types))


def _refuse_another_type(candidate: Candidate, before: str) -> None:
    """Types number sales each in their own way: what both have would become two orders, under one name as under two."""
    name = candidate.name
    raise NotAdmitted(
        f"{name} is of type {candidate.reads.kind} now and was of type {before}: each has ids of its own for the same sales",
        f"Give the new one a name of its own in the config. If no sale is in both: syncd sources confirm {name}; "
        "it begins anew then.",
    )


def _refuse_other_keys(candidate: Candidate, own: KnownSource) -> None:
    name = candidate.name
    if candidate.keys == name:
        raise NotAdmitted(f"{name} was renamed while syncd ran", "Start syncd again: it reads on then.")
    what = f"the sale keys of {name} begin with {own.keys!r} in the ledger, and with {candidate.keys!r} by its config"
    line = f'formerly = "{own.keys}"' if own.keys != name else "no formerly"
    raise NotAdmitted(what, f"Write {line} into [sources.{name}].")


def _refuse_taken_keys(candidate: Candidate, other: KnownSource, present: Mapping[str, Reads]) -> None:
    name = candidate.name
    if other.name in present or other.name != other.keys:
        what = f"the sale keys of {name} would begin with {candidate.keys!r}, as those of {other.name} do"
        raise NotAdmitted(what, f"Give {name} another name in the config.")
    what = f"{name} was {other.name}, as its config says, and the ledger still has it as {other.name}"
    raise NotAdmitted(what, f"Stop syncd, then: syncd sources rename {other.name} {name}")


def _refuse_what_was_read(candidate: Candidate, other: str, what: str, present: Mapping[str, Reads]) -> None:
    name = candidate.name
    if other in present:
        raise NotAdmitted(
            f"{name} reads {what}, which {other} read before: sales that {other} has would become second orders",
            f"If every sale there is new: syncd sources confirm {name}; else let {other} read it again.",
        )
    raise NotAdmitted(
        f"{other} is gone from the config, and {name} is new and reads {what}, which {other} read",
        f"If {name} is {other} under another name: stop syncd, then syncd sources rename {other} {name}. "
        f"If it is another source: syncd sources confirm {name}",
    )


def _read(text: str) -> Reads | None:
    try:
        return Reads.model_validate_json(text)
    except ValidationError:
        return None  # written by a newer syncd, or by none of ours


def _still_reads(name: str, text: str, present: Mapping[str, Reads]) -> bool:
    """Whether a source reads this to this day: then the config was checked against it."""
    return name in present and present[name].to_json() == text
