"""What a worker of a fleet serves: webhooks for every source, whether it lives and is ready, its metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from syncd.errors import LedgerError
from syncd.fleet.metrics import worker_metrics
from syncd.fleet.worker import Worker
from syncd.service.metrics import CONTENT_TYPE
from syncd.source_runner import SourceRunner
from syncd.sources import Received
from syncd.web.intake import intake_route
from syncd.web.server import ListenAddress, kept_open

_ELSEWHERE = "Other workers take webhooks meanwhile, and sales are found by polling."


@contextmanager
def door_open(worker: Worker) -> Iterator[None]:
    """Serve until the end of the block, at ``[intake] listen``."""
    address = worker.app.config.intake
    where = ListenAddress("intake", address.host, address.port, _ELSEWHERE)
    with kept_open(where, lambda _: worker_app(worker), worker.clock):
        yield


def worker_app(worker: Worker) -> Starlette:
    """Return the ASGI application of a worker's door."""
    metrics = worker_metrics(worker)

    def find(name: str) -> SourceRunner | None:
        return worker.app.tills.get(name)  # of the config as it is now

    def alive(_request: Request) -> Response:
        """Whether the process is to live on: nothing of the database is in it, or an outage would end every worker."""
        return _says(worker.is_alive(), "")

    def ready(_request: Request) -> Response:
        """Whether it takes jobs and webhooks now."""
        return _says(worker.is_well(), worker.state.why)

    async def figures(_request: Request) -> Response:
        try:
            return Response(await run_in_threadpool(metrics), media_type=CONTENT_TYPE)
        except LedgerError as error:
            return JSONResponse({"error": error.what}, 503)

    return Starlette(
        routes=[
            intake_route(find, worker.clock, partial(_heard, worker)),
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/metrics", figures),
        ]
    )


def _heard(worker: Worker, name: str, received: Received) -> None:
    """Have what a delivery came to done soon, by whichever worker is free."""
    till = worker.app.tills.get(name)
    if received.batch is not None and till is not None:
        for store in till.config.common.all_stores:
            worker.hints.push(store)
    if received.sales:
        worker.hints.fetch(name, worker.app.host_of(name))
    if received.poll:
        worker.app.ledger.turns.wake(name)
        worker.hints.poll(host=worker.app.host_of(name))


def _says(well: bool, why: str) -> Response:
    return JSONResponse({"well": well, "why": why}, 200 if well else 503)
