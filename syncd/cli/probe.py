"""``syncd stores probe`` and ``syncd stores answers``: what a trial store answered, as a table and in ``syncd check``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from syncd.app import App
from syncd.cli.exits import Exit
from syncd.cli.render import columns, print_json, say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.formatting import count
from syncd.probe.answers import QUESTIONS, ProbeAnswer, kept, learned
from syncd.probe.questions import probe
from syncd.probe.trial import Trial
from syncd.sources import Finding

_SHORTEST_KEY = 32
_HOW = "Have a trial store of your own, set trial = true in its table of the config, then: syncd stores probe NAME"


def run_probe(config: Path | None, name: str, as_json: bool) -> Exit:
    """Ask every question; each answer is shown as it comes."""
    with opened(config) as app:
        store = app.stores.get(name)
        if store is None:
            raise UsageError(f"there is no store {name!r}", f"Stores are {', '.join(app.stores) or 'none yet'}.")
        if not store.settings.connection.trial:
            raise UsageError(
                f"{name} is not named as a trial store, and may be one that sells",
                f"If no shop sells through it, set trial = true in [stores.{name}]: the probe makes orders there.",
            )
        store.check_binding()
        trial, found = Trial(name, store.api, app.clock, app.stop), []
        for answer in probe(trial, app.ledger, store.wire):
            found.append(answer)
            if not as_json:
                say(f"{answer.question}: {answer.answer}")
                say(f"  {answer.means}", hang=2)
        left = trial.made
    if as_json:
        print_json({"store": name, "answers": [_row(one) for one in found], "left": left})
    elif left:
        say(f"These orders could not be archived; archive them in the panel: {', '.join(map(str, left))}")
    else:
        say("Every order that was made is archived. A syncd that runs minds the answers when it starts again.")
    return Exit.ATTENTION if left else Exit.OK


def run_answers(config: Path | None, as_json: bool) -> Exit:
    """Show what is kept of every trial store of the config."""
    with opened(config, existing=True) as app:
        found = kept(app.ledger, _trials(app))
    if as_json:
        print_json({"answers": [_row(one) for one in found.values()], "never_asked": _never(found)})
        return Exit.OK
    rows = [(one.question, one.answer, one.means, one.store, f"{one.at:%Y-%m-%d}") for one in found.values()]
    if rows:
        columns(rows, head=("question", "answer", "what it means", "store", "asked on"))
    for question in _never(found):
        say(f"never asked: {QUESTIONS[question]}")
    if _never(found):
        say(_HOW)
    return Exit.OK


def of_answers(found: Mapping[str, ProbeAnswer]) -> Iterator[Finding]:
    """Yield what ``syncd check`` says of them: what they change for a store, and what was never asked. Pure."""
    now = learned(found)
    if now.key_length is not None and now.key_length < _SHORTEST_KEY:
        what = f"a trial store keeps {now.key_length} characters of external_order_id: too few to tell sales apart"
        yield Finding("error", what, "Ask BigCommerce's support about it before anything is pushed.")
    elif now.key_length is not None:
        yield Finding("ok", f"sale keys have at most {now.key_length} characters: a trial store kept no more")
    if not now.filter_trusted:
        what = (
            "orders in doubt are looked for in the list of all orders: a trial store's list by key cannot be relied on"
        )
        yield Finding("ok", what)
    if now.delay:
        yield Finding("ok", f"a trial store's lists were {now.delay.total_seconds():g} s late; settle allows for it")
    if never := _never(found):
        asked = "nothing" if not found else f"{count(len(found), 'question')} of {len(QUESTIONS)}"
        yield Finding("ok", f"asked of a trial store: {asked}; never asked: {', '.join(never)}. {_HOW}")


def _never(found: Mapping[str, ProbeAnswer]) -> list[str]:
    return [question for question in QUESTIONS if question not in found]


def _trials(app: App) -> list[str]:
    return [name for name, settings in app.config.stores.items() if settings.connection.trial]


def _row(answer: ProbeAnswer) -> dict[str, Any]:
    return asdict(answer) | {"facts": dict(answer.facts)}
