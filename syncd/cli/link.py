"""``syncd link``: which sale the goods of a return came from, where the POS does not say it."""

from __future__ import annotations

import getpass
from pathlib import Path

from syncd.app import App
from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.render import columns, print_json, say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.sale.sale import Sale

_SHOWN = 10


def run_link(config: Path | None, returned: str, original: str | None, *, as_json: bool) -> Exit:
    """Link a return to a sale; without a sale, list those that fit, each with the reason."""
    with opened(config, existing=True) as app:
        sale = app.ledger.sales.get(returned)
        if sale is None:
            raise UsageError(f"the ledger has no sale {returned}", "List sales with: syncd sales --state held")
        if original is None:
            return _list(app, sale, as_json=as_json)
        done = app.ledger.sales.link(returned, original, f"cli:{getpass.getuser()}")
        if as_json:
            print_json(
                {"linked": list(done.moved), "refused": [{"sale": key, "why": why} for key, why in done.refused]}
            )
        elif done.moved:
            say(f"{returned} is linked to {original}, whose order shows it after the next push.")
            say(f"To take that back before then: syncd undo {returned}")
        else:
            say(f"not linked: {done.refused[0][1]}")
        return Exit.ATTENTION if done.refused else Exit.OK


def _list(app: App, sale: Sale, *, as_json: bool) -> Exit:
    fits = app.ledger.sales.originals_for(sale)
    found = app.ledger.sales.by_key([one.sale_key for one in fits[:_SHOWN]])
    rows = [(one, found[one.sale_key]) for one in fits[:_SHOWN] if one.sale_key in found]
    if as_json:
        print_json(
            {"sale": sale.sale_key, "candidates": [{"sale": fit.sale_key, "why": fit.reason} for fit, _ in rows]}
        )
        return Exit.OK
    if sale.returns_of is not None:
        say(f"{sale.sale_key} returns goods of {sale.returns_of}")
    elif sale.total_inc_tax >= 0:
        say(f"{sale.sale_key} is no return")
    elif not rows:
        say(f"No sale of the last 180 days before {sale.sale_key} fits it. Name one: syncd link {sale.sale_key} SALE")
    else:
        say(f"Sales whose goods {sale.sale_key} may give back. Link one: syncd link {sale.sale_key} SALE")
        named = [
            (fit.sale_key, one.number or "", format_money(one.total_inc_tax, one.currency), fit.reason)
            for fit, one in rows
        ]
        columns(named, head=("sale", "number", "total", "why it fits"))
    return Exit.OK
