"""What a running daemon serves: the door for webhooks, and the page. Each is loaded only where it is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from syncd.app import App
from syncd.bigcommerce.governor import GovernorReport
from syncd.service.health import HealthPart, is_well, read_health
from syncd.service.job_names import fetch_job, poll_job, push_job
from syncd.service.jobs import Jobs
from syncd.sources import Received, Receiving

_POLLS = "Until then sales are found by polling alone."


class DaemonOperations:
    """The daemon that serves the page, as the page knows it."""

    def __init__(self, app: App, jobs: Jobs) -> None:
        self._app, self._jobs = app, jobs

    def run_now(self, job: str) -> None:
        """Have a job done soon."""
        self._jobs.run_now(job)

    def quota(self, store: str) -> GovernorReport | None:
        """Return how a store's quota stands; None where it is not known."""
        return self._app.stores[store].governor.report() if store in self._app.stores else None

    def parts(self) -> Mapping[str, HealthPart]:
        """Return how each job does, whichever daemon of this ledger did it."""
        return {name: part for health in reversed(read_health(self._app.ledger)) for name, part in health.parts.items()}


@contextmanager
def doors_open(app: App, jobs: Jobs) -> Iterator[None]:
    """Serve until the end of the block."""
    with ExitStack() as doors:
        doors.enter_context(_intake_open(app, jobs))
        if app.config.web.enabled:
            doors.enter_context(_page_open(app, jobs))
        yield


@contextmanager
def _intake_open(app: App, jobs: Jobs) -> Iterator[None]:
    """Take webhooks, where any source does."""
    able = {
        name: till for name, till in app.tills.items() if isinstance(till.source, Receiving) and till.source.receives()
    }
    if not able:
        yield
        return
    from syncd.web.intake import intake_app  # noqa: PLC0415  a daemon that serves nothing need not hold a web server
    from syncd.web.server import ListenAddress, kept_open  # noqa: PLC0415  the same

    def heard(name: str, received: Received) -> None:
        if received.batch is not None:
            for store in able[name].config.common.all_stores:
                jobs.run_now(push_job(store))
        if received.sales:
            jobs.run_now(fetch_job(name))
        if received.poll:
            jobs.run_now(poll_job(name))

    address = app.config.intake
    opened = kept_open(
        ListenAddress("intake", address.host, address.port, _POLLS),
        lambda _: intake_app(able.get, app.clock, heard),
        app.clock,
    )
    with opened:
        yield


@contextmanager
def _page_open(app: App, jobs: Jobs) -> Iterator[None]:
    """Serve the page until the end."""
    from syncd.service.metrics import Metrics  # noqa: PLC0415  the same
    from syncd.web.page.context import PageContext  # noqa: PLC0415  the same
    from syncd.web.page.open import page_open  # noqa: PLC0415  the same

    context = PageContext(app, DaemonOperations(app, jobs), read_only=app.config.web.read_only)
    with page_open(context, Metrics(app).text, lambda: is_well(app)):
        yield
