"""The page of a fleet, in a process of its own: what people ask for there becomes a hint to whichever worker is free."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from syncd.app import App, Foundation
from syncd.bigcommerce.governor import GovernorReport
from syncd.clock import Now
from syncd.config import Config
from syncd.errors import LedgerError
from syncd.fleet.files import FollowingApp
from syncd.fleet.handover import known_quota
from syncd.fleet.health import source_parts
from syncd.fleet.metrics import cell_metrics
from syncd.fleet.queue import Hints
from syncd.logs import get_logger
from syncd.service.health import HealthPart
from syncd.service.sdnotify import notify
from syncd.web.page.context import PageContext
from syncd.web.page.open import page_open

_LOOK_S = 5.0


class FleetOperations:
    """The fleet, as the page knows it."""

    def __init__(self, app: Callable[[], App], hints: Hints) -> None:
        self._app, self._hints = app, hints

    def run_now(self, job: str) -> None:
        """Have a job done soon; its kind and what it is about, as ``service.jobs`` names them."""
        kind, _, about = job.partition(" ")
        match kind:
            case "push":
                self._hints.push(about)
            case "poll":
                self._app().ledger.turns.wake(about)
                self._hints.poll(host=self._app().host_of(about))
            case "fetch":
                self._hints.fetch(about, self._app().host_of(about))
            case "backfill":
                self._hints.backfill(about, self._app().host_of(about))
            case _:
                raise AssertionError(f"nobody asks for {kind}")

    def quota(self, store: str) -> GovernorReport | None:
        """Return how a store's quota stands; None where it is not known."""
        app = self._app()
        return known_quota(app.ledger, app.clock, store)

    def parts(self) -> Mapping[str, HealthPart]:
        """Return how the polls of the sources do."""
        app = self._app()
        return source_parts(app, app.ledger.turns.of(list(app.tills)).values())


def run_page(foundation: Foundation, config: Config, read: Callable[[], Config], stop: threading.Event) -> None:
    """Serve the page at ``[web] listen`` until ``stop`` is set, as the config's files say it.

    Raises:
        LedgerError: the ledger or the queue cannot be reached at the start.

    """
    following = FollowingApp(foundation, config, read)

    def well() -> bool:
        """Whether the page can show anything; an outage of the database is no reason to end it."""
        return not stop.is_set()

    with Hints(config.ledger_url.get_secret_value()) as hints:
        operations = FleetOperations(lambda: following.now, hints)
        context = PageContext(following.now, operations, read_only=config.web.read_only)
        with page_open(context, cell_metrics(lambda: following.now), well) as listens:
            if not listens:
                raise LedgerError("nothing can be served", "Name another address in [web] listen.")
            notify("READY=1", "STATUS=Serving the page")
            get_logger().info("page_started", stores=len(config.stores), at=Now.of(foundation.clock).wall.isoformat())
            while not foundation.clock.wait(stop, _LOOK_S):
                if following.look():
                    context.take_up(following.now)
            notify("STOPPING=1")
    following.close()
