"""``syncd sources rename|confirm`` and ``syncd stores list|rename``: what a name of the config is to the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from msgspec.structs import asdict

from syncd.app import App
from syncd.cli.exits import Exit
from syncd.cli.render import columns, print_json, say
from syncd.cli.session import opened
from syncd.errors import Busy, LeaseTaken, UsageError
from syncd.formatting import count
from syncd.ledger import Renaming
from syncd.naming import gone
from syncd.service.health import read_health
from syncd.service.pauses import try_now

What = Literal["source", "store"]
_ANSWER_S, _LOOK_S = 30.0, 0.25


def run_rename(config: Path | None, what: What, names: tuple[str, str], as_json: bool, *, dry_run: bool) -> Exit:
    """Rename a source, or a store, in the ledger; no sale key changes."""
    old, new = names
    with opened(config, existing=True) as app:
        ledger, formerly = app.ledger, ""
        if what == "source":
            _check(what, names, ledger.sources.known(), app.config.sources)
            look, rename = ledger.sources.to_rename, ledger.sources.rename
            formerly = app.config.sources[new].common.formerly
        else:
            _check(what, names, ledger.stores.hashes(), app.config.stores)
            look, rename = ledger.stores.to_rename, ledger.stores.rename
        if dry_run:
            found = look(old, new)
        else:
            with _nobody_pushes(app):
                found = rename(old, new)
    if as_json:
        print_json({"from": old, "to": new, "renamed": not dry_run, **asdict(found)})
        return Exit.OK
    say(_words(names, found, dry_run=dry_run))
    if found.keys not in ("", new):
        say(f"Its sale keys begin with {found.keys}: as before, for good.")
        if formerly != found.keys:
            say(f'Write formerly = "{found.keys}" into [sources.{new}]: it is needed if this ledger is ever lost.')
    return Exit.OK


def run_confirm(config: Path | None, name: str) -> Exit:
    """Confirm, for a person, that a source is none that the ledger knows by another name."""
    with opened(config, existing=True) as app:
        till = app.tills.get(name)
        if till is None:
            raise UsageError(
                f"there is no source {name!r}", f"Sources are {', '.join(sorted(app.tills)) or 'none yet'}."
            )
        till.confirm()
    say(f"{name} is a source of its own: what it reads is new")
    return Exit.OK


def run_try(config: Path | None, name: str) -> Exit:
    """Have a paused store tried at once, and say how it went."""
    with opened(config, existing=True) as app:
        words, before = try_now(app, name), app.ledger.stores.get(name)
        if not any(one.running() for one in read_health(app.ledger)):
            say(f"{name} is tried by the next syncd sync or syncd run: none is running now.")
            return Exit.ATTENTION
        say(f"{name} is tried now. {words}".strip())
        until = app.clock.elapsed().seconds + _ANSWER_S
        while app.clock.elapsed().seconds < until:
            stands = app.ledger.stores.get(name)
            if stands.paused_why is None:
                say(f"{name} is open again: its sales are sent.")
                return Exit.OK
            if stands.probe_at != before.probe_at:
                say(f"{name} stays paused: {stands.paused_why}")
                say(stands.cure)
                return Exit.REMOTE
            app.clock.wait(app.stop, _LOOK_S)
    say("No answer yet. syncd status shows it once it is there.")
    return Exit.ATTENTION


def run_stores(config: Path | None, as_json: bool) -> Exit:
    """Every store of the config, and those that only the ledger knows."""
    with opened(config, existing=True) as app:
        known = app.ledger.stores.hashes()
        names = [*app.config.stores, *(name for name in known if name not in app.config.stores)]
        waits = {one.name: one.not_done for one in gone(app.config, app.ledger) if one.what == "store"}
        rows = [
            {
                "store": name,
                "store_hash": app.config.stores[name].connection.store_hash
                if name in app.config.stores
                else known[name],
                "in_config": name in app.config.stores,
                "not_done": waits.get(name),
            }
            for name in names
        ]
    if as_json:
        print_json(rows)
    else:
        cells = [
            (str(row["store"]), str(row["store_hash"] or "-"), "" if row["in_config"] else "not in the config")
            for row in rows
        ]
        columns(cells, head=("store", "store hash", ""))
    return Exit.OK


def _check(what: What, names: tuple[str, str], known: Collection[str], present: Collection[str]) -> None:
    """Raise UsageError where one name cannot become the other."""
    old, new = names
    if old not in known:
        near = get_close_matches(old, known, n=1)
        guess = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"the ledger knows no {what} {old!r}", f"{guess}It knows {', '.join(sorted(known)) or 'none yet'}."
        )
    if old == new:
        raise UsageError(f"{old} is its name already", "Give its old name, then its new one.")
    if old in present and new in present:
        cure = f"Take {old} out of the config first, if {new} is the same under another name."
        raise UsageError(f"the config names both {old} and {new}", cure)
    if old in present or new not in present:
        cure = f"Write [{what}s.{new}] there in the place of [{what}s.{old}] first."
        raise UsageError(f"the config does not name the {what} {new} yet", cure)


@contextmanager
def _nobody_pushes(app: App) -> Iterator[None]:
    """Hold the right to push to every store that the ledger knows.

    Raises:
        Busy: a syncd is at work on this ledger.

    """
    with ExitStack() as leases:
        for name in app.ledger.stores.hashes():
            try:
                leases.enter_context(app.ledger.lease(name))
            except LeaseTaken as taken:
                raise Busy(taken.what, "Stop it first; start it again when the name is changed.") from None
        yield


def _words(names: tuple[str, str], found: Renaming, *, dry_run: bool) -> str:
    old, new = names
    parts = f"{count(found.sales, 'sale')}, {found.orders:,} with an order, {found.not_done:,} not done"
    return f"{old} would become {new}: {parts}. Nothing was changed." if dry_run else f"{old} is {new} now: {parts}"
