"""``syncd connect``: the owner of a POS account gives syncd access, on the POS's own page."""

from __future__ import annotations

from pathlib import Path

from syncd.cli.backfill import till_of
from syncd.cli.consent import ConsentWay, ask_consent
from syncd.cli.exits import Exit
from syncd.cli.render import say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.sources import AsksConsent


def run_connect(config: Path | None, name: str, way: ConsentWay) -> Exit:
    """Get access to a source's account, keep it in the ledger, and try it.

    Raises:
        UsageError: there is no such source, it needs no consent, or none was given.
        SourceError: the POS gave no tokens.

    """
    with opened(config) as app:
        till = till_of(app, name)
        kind = till.config.common.type
        page = f"docs/sources/{kind}.md"
        if not issubclass(till.adapter, AsksConsent) or not isinstance(till.source, AsksConsent):
            raise UsageError(f"{name} is of type {kind}, which needs no consent", f"What it signs in with: {page}")
        consent = till.source.consent()
        if consent is None:
            cure = f"To let its owner sign in instead, write [sources.{name}.oauth] in place of token: {page}"
            raise UsageError(f"{name} signs in with the token of the config: there is nothing to connect", cure)
        ask_consent(consent, way)
        findings = list(till.source.check())
        for finding in findings:
            say(f"{finding.what}" + (f"\n  {finding.cure}" if finding.level != "ok" and finding.cure else ""))
        return Exit.REMOTE if any(finding.level == "error" for finding in findings) else Exit.OK
