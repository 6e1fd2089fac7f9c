"""Alerts: list them, send a test, mute them for a while."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import asdict

from syncd.app import App
from syncd.cli.exits import Exit
from syncd.cli.render import print_json, say
from syncd.cli.session import opened
from syncd.durations import parse_duration
from syncd.errors import UsageError
from syncd.formatting import ago, count, when
from syncd.service.delivery import Message, send
from syncd.service.needs import alerts_words, by_kind
from syncd.service.notifier import ping, silence, silent_until

_WORDS = "This is a test. Nothing is wrong: it only shows that alerts arrive here."


def run_list(config: Path | None, as_json: bool) -> Exit:
    """Show the alerts that are open."""
    with opened(config, existing=True) as app:
        found, until, now = app.ledger.alerts.present(), silent_until(app), app.clock.now()
        if as_json:
            print_json({"alerts": [asdict(alert) for alert in found], "silent_until": until})
        else:
            for alike in by_kind(found):
                oldest = min((one.at for one in alike if one.at), default=None)
                since = ago((now - oldest).total_seconds()) if oldest else ""
                say(f"{alerts_words(alike)}  ({since})\n  {alike[0].cure}")
            say(f"{count(len(found), 'alert')} open" if found else "no open alerts")
            say(_told(app) if until is None else f"muted until {when(until)}")
        return Exit.ATTENTION if found else Exit.OK


def _told(app: App) -> str:
    number = len(app.config.alerts.urls)
    if not number:
        return "nobody is notified: [alerts] urls has no address"
    return f"sent to {number} address" + ("es" if number > 1 else "")


def run_test(config: Path | None) -> Exit:
    """Send something everywhere."""
    with opened(config) as app:
        settings = app.config.alerts
        if not settings.urls and settings.heartbeat is None:
            raise UsageError("[alerts] names neither urls nor a heartbeat", "See syncd config example for both.")
        trouble = {
            "alerts": send(settings.urls, Message("syncd: a test", _WORDS), app.stop),
            "heartbeat": ping(settings.heartbeat.get_secret_value()) if settings.heartbeat else "",
        }
        for what, wrong in trouble.items():
            if wrong:
                say(f"{what}: {wrong}")
        if settings.urls and not trouble["alerts"]:
            say("sent; check whether it arrived")
        if settings.heartbeat and not trouble["heartbeat"]:
            say("the heartbeat's address answered")
        return Exit.REMOTE if any(trouble.values()) else Exit.OK


def run_silence(config: Path | None, lasts: str) -> Exit:
    """Be silent, or speak again."""
    try:
        gap = None if lasts == "off" else parse_duration(lasts)
    except ValueError as error:
        raise UsageError(f"{lasts!r} {error}", 'Or "off", to end it.') from None
    with opened(config) as app:
        until = app.clock.now() + gap if gap is not None else None
        silence(app, until)
        say(f"muted until {when(until)}" if until else "alerts are on again")
    return Exit.OK
