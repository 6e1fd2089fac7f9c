"""What needs attention, worst first, and the one verdict of the page, the daily summary, ``syncd status`` and its exit code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from syncd.errors import SourceError
from syncd.formatting import count
from syncd.intake.admission import NotAdmitted
from syncd.ledger import Alert
from syncd.sale.states import State
from syncd.service.overview import StoreStands, SystemOverview
from syncd.service.reasons import COMMANDS, ReasonGroup, fault_words, group_words, grouped

Level = Literal["bad", "look", "note"]
_NAMED = 3
_PAUSED = ": paused: "
_NO_CYCLE, _BEGINS = ": no good cycle yet", timedelta(minutes=1)
_KINDS = {
    "two orders": "sales have two orders in BigCommerce",
    "changed by hand": "orders were changed by hand in BigCommerce",
    "archived by hand": "orders were archived by hand in BigCommerce",
    "unknown order": "orders in BigCommerce have a key that this ledger does not know",
}


class Need(Struct, frozen=True):
    """Something that needs a person, or is about to: how bad, a code, the words, what to do, and its place on the page.

    ``command`` shows it in a terminal, as its place does on the page.
    """

    level: Level
    code: str
    words: str
    cure: str
    place: str = ""
    command: str = ""

    @property
    def full_cure(self) -> str:
        """What to do, for who reads it away from the page."""
        return f"{self.cure} See: {self.command}" if self.command else self.cure


def needs_of(standing: SystemOverview) -> list[Need]:
    """Return everything that needs attention, each cause once."""
    return sorted(_needs(standing), key=lambda need: ("bad", "look", "note").index(need.level))


def all_well(needs: Sequence[Need]) -> bool:
    """Return the verdict: whether nothing needs a person."""
    return all(need.level == "note" for need in needs)


def _needs(standing: SystemOverview) -> Iterator[Need]:
    yield from _of_machine(standing)
    yield from (Need("bad", one.kind, one.words, one.cure, place_of(one)) for one in standing.warnings)
    for name, store in standing.stores.items():
        yield from of_alerts(name, store)
    yield from (of_reason(group) for group in grouped(standing.reasons))
    for source, number in standing.faults.items():
        words = fault_words(source, number, standing.newest_faults.get(source))
        cure = "They close when the sale arrives correctly, or when you mark them as done."
        yield Need("look", "faults", words, cure, f"/sources/{quote(source)}", f"syncd faults --source {source}")


def _of_machine(standing: SystemOverview) -> Iterator[Need]:
    """Yield what keeps all sales of a store or a source from going on."""
    for name, store in standing.stores.items():
        if store.pause.paused_why:
            yield Need(
                "bad",
                "paused",
                f"{name} is paused: {store.pause.paused_why}",
                store.pause.cure,
                f"/stores/{quote(name)}",
            )
    for daemon, lines in zip(standing.daemons, standing.problems, strict=True):
        level: Level = "note" if daemon.stopped else "bad"
        begins = daemon.begun is not None and standing.now - daemon.begun.wall < _BEGINS
        for line in lines:
            if _PAUSED not in line and not (begins and _NO_CYCLE in line):  # the first is said of the store
                yield Need(level, "daemon", line, "See the log of syncd.", "/sources")
    for name, report in standing.sources.items():
        if isinstance(report, SourceError):
            code = "not_admitted" if isinstance(report, NotAdmitted) else "source"
            yield Need("bad", code, f"{name}: {report.what}", report.cure, f"/sources/{quote(name)}")


def of_reason(group: ReasonGroup) -> Need:
    """Return sales that wait for one reason, as one need: how many, what they come to, why, and what to do."""
    place = f"/attention/{group.name}"
    if group.state is State.UNKNOWN:
        words = f"{count(group.number, 'sale')} of {group.whose}: the last answer of BigCommerce was lost"
        return Need("note", "in_doubt", words, "Nothing to do: syncd looks for their orders automatically.", place)
    level: Level = "bad" if group.state is State.REJECTED else "look"
    command = COMMANDS[group.state] if group.number > 1 else ""
    return Need(level, group.kind.code, group_words(group), group.help, place, command)


def of_alerts(name: str, store: StoreStands) -> Iterator[Need]:
    """Yield a store's alerts, those of one kind as one where they are many."""
    for alike in by_kind(store.alerts):
        words = alerts_words(alike) if len(alike) > 1 else f"{name}: {alike[0].words}"
        yield Need("bad", alike[0].kind, words, alike[0].cure, "/attention")


def by_kind(some: Sequence[Alert]) -> Iterator[list[Alert]]:
    """Yield alerts one by one; many of one store and kind together."""
    key = lambda alert: (alert.store, alert.kind)  # noqa: E731  one key for two calls
    for _, group in groupby(sorted(some, key=key), key):
        alike = list(group)
        yield from [alike] if len(alike) > _NAMED else ([one] for one in alike)


def alerts_words(alike: Sequence[Alert]) -> str:
    """Return one sentence for the alerts of a kind: the words of a single one, the number and an example of many."""
    first = alike[0]
    if len(alike) == 1:
        return first.words
    store = f"{first.store}: " if first.store else ""
    return f"{store}{len(alike):,} {_KINDS.get(first.kind, f'times {first.kind!r}')}, such as: {first.words}"


def place_of(alert: Alert) -> str:
    """Return where the page shows an alert's cause."""
    match alert.kind:
        case "paused" | "late":
            return "/stores"
        case "faults" | "unread" | "volume":
            return f"/sources/{quote(alert.subject)}"
        case "job" | "gone" | "disk" | "config":
            return "/sources"
        case _:
            return "/attention"
