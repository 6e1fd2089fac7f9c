"""The door of a running daemon: from a webhook to the job that acts on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from syncd.app import App
from syncd.service.jobs import Jobs, fetch_job, poll_job, push_job
from syncd.sources import Received, Receiving


@contextmanager
def intake_open(app: App, jobs: Jobs) -> Iterator[None]:
    """Take webhooks until the end of the block, where any source does."""
    able = {
        name: till for name, till in app.tills.items() if isinstance(till.source, Receiving) and till.source.receives()
    }
    if not able:
        yield
        return
    from syncd.web.intake import intake_app  # noqa: PLC0415  a daemon that serves nothing need not hold a web server
    from syncd.web.server import serving  # noqa: PLC0415  the same

    def heard(name: str, received: Received) -> None:
        if received.batch is not None:
            for store in able[name].config.common.all_stores:
                jobs.run_now(push_job(store))
        if received.sales:
            jobs.run_now(fetch_job(name))
        if received.poll:
            jobs.run_now(poll_job(name))

    address = app.config.intake
    with serving(intake_app(able, app.clock, heard), address.host, address.port):
        yield
