"""``retry``, ``release``, ``accept``, ``skip``, ``hold``, ``undo``: what a person decides, each a command with the same options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath, DayOption, DryRun, Keys, SourceOption, StateOption, TextOption, Yes

_HELP = {
    "retry": (
        "Push rejected sales again, now.",
        'syncd retry --state rejected --error "channel"',
    ),
    "skip": (
        "Leave sales out for good; they stay in the ledger. One that has an order is held if the POS changes it later.",
        'syncd skip till:1001 --reason "entered by hand"',
    ),
    "release": (
        "Send held or skipped sales unchanged.",
        "syncd release till:1001",
    ),
    "accept": (
        "Accept the order as it is; only later changes in the POS will be sent.",
        'syncd accept till:1001 --reason "corrected in BigCommerce"',
    ),
    "hold": (
        "Send nothing more for these sales until they are released.",
        'syncd hold till:1001 --reason "the customer is still arguing"',
    ),
    "undo": (
        "Take back the last decision about sales, as long as nothing was sent for it.",
        "syncd undo till:1001",
    ),
}
Reason = Annotated[str, typer.Option("--reason", help="Why, for the sale's story.")]


def add_decisions(cli: typer.Typer) -> None:
    """Add the commands."""
    for verb, (says, example) in _HELP.items():
        run = _command(verb)
        run.__doc__ = f"{says}\n\nExample: {example}"
        cli.command(verb)(run)


def _command(verb: str) -> Callable[..., None]:
    def run(
        keys: Keys = None,
        config: ConfigPath = None,
        reason: Reason = "",
        state: StateOption = None,
        source: SourceOption = None,
        error: TextOption = None,
        day: DayOption = None,
        dry_run: DryRun = False,
        yes: Yes = False,
        as_json: AsJson = False,
    ) -> None:
        from syncd.cli.actions import How, run_action
        from syncd.cli.sales import choose
        from syncd.sale.overrides import Verb

        how = How(reason, dry_run, yes, as_json)
        raise typer.Exit(
            run_action(Verb(verb), config, choose({"state": state, "source": source, "day": day}, error, keys), how)
        )

    return run
