"""What people decide about sales: ``retry``, ``release``, ``accept``, ``skip``, ``hold``."""

from __future__ import annotations

import getpass
from pathlib import Path

from msgspec import Struct

from syncd.cli.exits import Exit
from syncd.cli.options import sure
from syncd.cli.render import print_json, say
from syncd.cli.session import known_source, opened
from syncd.errors import UsageError
from syncd.formatting import count
from syncd.ledger import Selection
from syncd.sale.overrides import Verb

_NAMED = 10
_MOST = 100_000


class How(Struct, frozen=True):
    """How an action is carried out: why, in a person's words, only looked at, or without asking."""

    reason: str = ""
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False


def run_action(action: Verb, config: Path | None, selection: Selection, how: How) -> Exit:
    """Keep a decision about the chosen sales; says for which it was kept and for which it makes no sense."""
    if not (selection.keys or selection.state or selection.source or selection.text or selection.days):
        raise UsageError(f"{action} which sales?", f"Name keys, or choose with options: syncd {action} --help")
    with opened(config, existing=True) as app:
        known_source(app, selection.source)
        if how.dry_run or not selection.keys:
            found = app.ledger.sales.find(selection, limit=_MOST)
            if how.dry_run:
                return _only_looked(action, [sale.sale_key for sale in found], as_json=how.as_json)
            sure(f"{action.capitalize()} {count(len(found), 'sale')}", yes=how.yes or not found)
        done = app.ledger.sales.decide(action, selection, f"cli:{getpass.getuser()}", how.reason)
        if how.as_json:
            print_json({"moved": list(done.moved), "refused": [{"sale": key, "why": why} for key, why in done.refused]})
        else:
            say(f"{action}: {count(len(done.moved), 'sale')}")
            for key, why in done.refused:
                say(f"  not {key}: {why}")
        return Exit.ATTENTION if done.refused else Exit.OK


def _only_looked(action: str, keys: list[str], *, as_json: bool) -> Exit:
    if as_json:
        print_json({"would": action, "sales": keys})
        return Exit.OK
    say(f"would {action} {count(len(keys), 'sale')}; nothing was changed")
    for key in keys[:_NAMED]:
        say(f"  {key}")
    if len(keys) > _NAMED:
        say(f"  and {len(keys) - _NAMED} more")
    return Exit.OK
