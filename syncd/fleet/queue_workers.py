"""Takes jobs from the queue, one Procrastinate worker for each of its queues, until a worker is to stop or the database is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from procrastinate import App as QueueApp
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker as QueueWorker
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from syncd.fleet.queue import QUEUES, polls_of

OUTAGES = (ConnectorException, DatabaseError, PoolTimeout, OSError)
"""What a queue's worker raises when the database is gone."""
_GRACE_S = 45.0  # what a turn and its requests take at the most, within the usual 60 s of a container
_LOOK_S = 5.0
_AGAIN_S = 1.0
_SIDE_TASKS = ("listener", "deferrer", "update_heartbeats", "poll_jobs_to_abort")  # procrastinate's names for them


async def take_jobs(queue: QueueApp, host: str, stopping: asyncio.Event, connected: Callable[[], None]) -> None:
    """Work on every queue until ``stopping`` is set, then let the jobs that run finish. ``connected`` is called once it works.

    ``host`` is this machine: sources that it alone can read have a queue of their own.

    Raises:
        ConnectorException, psycopg.Error, PoolTimeout, OSError: the database is gone (``OUTAGES``).

    """
    plain = QueueApp(connector=queue.connector)  # the same tasks without the timetable: one loop of it is enough
    plain.tasks.update(queue.tasks)
    async with queue.open_async():
        workers = [
            QueueWorker(
                app=queue if name == "control" else plain,
                queues=[name, polls_of(host)] if name == "poll" else [name],
                name=name,
                concurrency=count,
                delete_jobs="always",
                install_signal_handlers=False,
                fetch_job_polling_interval=_LOOK_S,
                shutdown_graceful_timeout=_GRACE_S,
            )
            for name, count in QUEUES.items()
        ]
        running = [asyncio.create_task(worker.run()) for worker in workers]  # type: ignore[no-untyped-call]  # procrastinate's
        connected()
        over = asyncio.create_task(stopping.wait())
        await asyncio.wait([over, *running], return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        for worker in workers:
            worker.stop()  # type: ignore[no-untyped-call]  # as above
        await all_ended(running)
        ended = await asyncio.gather(*running, return_exceptions=True)
    if not stopping.is_set():
        raise next((one for one in ended if isinstance(one, OUTAGES)), ConnectorException("a queue ended"))


async def all_ended(running: Sequence[asyncio.Task[None]]) -> None:
    """Wait until every queue's worker has ended, and cancel its side tasks again and again.

    Before Python 3.12 a task may miss that it was cancelled in the very moment in which its connection opens
    (https://github.com/python/cpython/issues/86296); the worker would wait for it for ever. That is also why a worker is told
    by its ``stop``, and never cancelled itself.
    """
    pending: set[asyncio.Task[None]] = set(running)
    while pending:
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_S)
        for task in asyncio.all_tasks() if pending else ():
            if task.get_name() in _SIDE_TASKS:
                task.cancel()
