"""Outgoing events: list what waits, send a test, make a secret."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from syncd.cli.exits import Exit
from syncd.cli.render import print_json, say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.formatting import ago, count, when
from syncd.service.event_outage import outage_of

_KEY_BYTES = 32


def _no_address() -> UsageError:
    return UsageError("[events] has no url: no program hears of anything", "See syncd config example.")


def run_list(config: Path | None, as_json: bool) -> Exit:
    """Show which events are sent, and what waits."""
    with opened(config, existing=True) as app:
        settings, now = app.config.events, app.clock.now()
        backlog, outage = app.ledger.outbox.backlog(), outage_of(app)
        oldest, kinds = backlog.oldest, sorted(settings.wanted)
        if as_json:
            since, why = (oldest.at, oldest.why) if oldest is not None else (None, "")
            said = {"kinds": kinds, "waiting": backlog.waiting, "since": since}
            print_json({**said, "why": outage.why if outage is not None else why})
        elif settings.url is None:
            raise _no_address()
        else:
            say(f"sent: {', '.join(kinds)}")
            late = f", the oldest from {ago((now - oldest.at).total_seconds())}" if oldest is not None else ""
            say(f"{count(backlog.waiting, 'event')} waiting{late}" if backlog.waiting else "no events waiting")
            if outage is not None:
                say(f"the address takes nothing since {when(outage.since)}: {outage.why}")
                say(f"tried again at {when(outage.again_at)}; try it now: syncd events test")
            elif oldest is not None and oldest.why:
                say(f"the oldest was refused {count(oldest.tries, 'time')}: {oldest.why}")
        return Exit.ATTENTION if outage is not None or (oldest is not None and oldest.why) else Exit.OK


def run_test(config: Path | None) -> Exit:
    """Send an event of the kind ``test``."""
    from syncd.service.events import Receiver, test_message

    with opened(config) as app:
        if app.config.events.url is None:
            raise _no_address()
        receiver = Receiver(app.config, app.clock)
        try:
            reply = receiver.post(*test_message(app.clock.now()))
        finally:
            receiver.close()
        say(f"not taken: {reply.why}" if reply.why else "taken: a signed event of the kind test")
        return Exit.REMOTE if reply.why else Exit.OK


def run_secret() -> Exit:
    """Print a new secret."""
    say("whsec_" + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode())
    return Exit.OK
