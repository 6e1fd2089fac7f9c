"""Tells people: a cause once, and once that it is over; a digest a day; a ping for whoever must notice that none comes any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, tzinfo

import requests

from syncd.app import App
from syncd.errors import LeaseTaken
from syncd.logs import get_logger
from syncd.service.delivery import Message, send
from syncd.service.messages import digest_of, message_of

_SILENCE, _DIGEST = "silent until", "last digest"
_TELLS = "tell people"
_PING_S = 5.0

Sends = Callable[[Message], str]


def silence(app: App, until: datetime | None) -> None:
    """Say nothing until then; None: speak again."""
    if until is None:
        app.ledger.state.drop("alerts", [_SILENCE])
    else:
        app.ledger.state.put("alerts", {_SILENCE: until.isoformat()})


def silent_until(app: App) -> datetime | None:
    """Until when nothing is said; None where there is no silence."""
    kept = app.ledger.state.get("alerts", [_SILENCE]).get(_SILENCE)
    until = datetime.fromisoformat(kept) if kept else None
    return until if until is not None and until > app.clock.now() else None


class Notifier:
    """Sends what is to be reported. What could not be sent stays to be reported."""

    def __init__(self, app: App, sends: Sends | None = None) -> None:
        self._app = app
        self._sends: Sends = sends or (lambda message: send(app.config.alerts.urls, message, app.stop))
        self._failed = ""
        self._pinging = threading.Lock()
        self._pinged_badly = False

    def tell(self) -> None:
        """Tell of what is new and of what is over, in one message; where another process is at it, that one does."""
        if not self._app.config.alerts.urls or silent_until(self._app):
            return
        with suppress(LeaseTaken), self._app.ledger.lease(_TELLS):
            untold = self._app.ledger.alerts.untold()
            if (untold.new or untold.over) and self._sent(message_of(untold, self._app.config.web.url)):
                self._app.ledger.alerts.told(untold)

    def digest(self) -> None:
        """Once a day at its time: what became of yesterday."""
        at = self._app.config.alerts.digest
        if at is None or not self._app.config.alerts.urls:
            return
        with suppress(LeaseTaken), self._app.ledger.lease(_TELLS):
            self._digest(at)

    def _digest(self, at: time) -> None:
        zone = _zone(self._app)
        now = self._app.clock.now().astimezone(zone)
        last = self._app.ledger.state.get("alerts", [_DIGEST]).get(_DIGEST)
        if now.time() >= at and last != now.date().isoformat() and self._sent(digest_of(self._app, now.date())):
            self._app.ledger.state.put("alerts", {_DIGEST: now.date().isoformat()})

    def ping(self) -> None:
        """Tell the heartbeat's address that all is well; whatever comes of it holds nothing up."""
        address = self._app.config.alerts.heartbeat
        if address is not None and self._pinging.acquire(
            blocking=False
        ):  # else the last one still hangs in a name's look-up
            threading.Thread(target=self._ping, args=(address.get_secret_value(),), name="ping", daemon=True).start()

    def _ping(self, address: str) -> None:
        try:
            trouble = ping(address)
        finally:
            self._pinging.release()
        if trouble and not self._pinged_badly:
            get_logger().warning("heartbeat_not_sent", why=trouble)
        self._pinged_badly = bool(trouble)

    def _sent(self, message: Message) -> bool:
        trouble = self._sends(message)
        if trouble and trouble != self._failed:
            get_logger().error("alert_not_sent", why=trouble, cure="Try the addresses with: syncd alerts test")
        self._failed = trouble
        return not trouble


def ping(address: str) -> str:
    """Ask for an address, for a few seconds; empty where it answered, else what went wrong, without the address."""
    try:
        answer = requests.get(address, timeout=_PING_S, allow_redirects=False, stream=True)
        answer.close()
    except (requests.RequestException, ValueError) as error:  # the message of neither: it holds the address
        return f"it cannot be reached ({type(error).__name__})"
    return f"it answered {answer.status_code}" if answer.status_code >= 400 else ""


def _zone(app: App) -> tzinfo:
    till = next(iter(app.tills.values()), None)
    return till.zone if till is not None else UTC
