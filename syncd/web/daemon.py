"""What a running daemon serves: the door for webhooks, and the page. Each is loaded only where it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from syncd.app import App
from syncd.service.jobs import Jobs, fetch_job, poll_job, push_job
from syncd.sources import Received, Receiving

_POLLS = "Until then sales are found by polling alone."
_GOES_ON = "Sales go on meanwhile; syncd status says how they stand."


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
    from syncd.web.server import listening, serving  # noqa: PLC0415  the same

    def heard(name: str, received: Received) -> None:
        if received.batch is not None:
            for store in able[name].config.common.all_stores:
                jobs.run_now(push_job(store))
        if received.sales:
            jobs.run_now(fetch_job(name))
        if received.poll:
            jobs.run_now(poll_job(name))

    address = app.config.intake
    with ExitStack() as stack:
        listener = stack.enter_context(listening("intake", address.host, address.port, _POLLS))
        if listener is not None:
            stack.enter_context(serving(intake_app(able.get, app.clock, heard), listener, "intake"))
        yield


@contextmanager
def _page_open(app: App, jobs: Jobs) -> Iterator[None]:
    """Serve the page until the end."""
    from syncd.service.metrics import Metrics  # noqa: PLC0415  the same
    from syncd.web.page.context import PageContext  # noqa: PLC0415  the same
    from syncd.web.page.render import Renderer  # noqa: PLC0415  the same
    from syncd.web.page.routes import Site  # noqa: PLC0415  the same
    from syncd.web.page.security import Guard  # noqa: PLC0415  the same
    from syncd.web.server import listening, serving  # noqa: PLC0415  the same

    settings, base = app.config.web, app.config.base_dir
    tls = (base / settings.certificate, base / settings.key) if settings.certificate and settings.key else None
    with ExitStack() as stack:
        listener = stack.enter_context(listening("web", settings.host, settings.port, _GOES_ON))
        if listener is not None:
            context = PageContext(app, jobs, read_only=settings.read_only)
            guard = Guard(settings, listener.getsockname()[1], app.clock)
            site = Site(context, guard, Renderer(context, signs_in=guard.has_password), Metrics(app))
            stack.enter_context(serving(site.app(), listener, "web", tls))
        yield
