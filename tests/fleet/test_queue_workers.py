"""What takes jobs from the queue ends when it is to end."""

from __future__ import annotations

import asyncio

from syncd.fleet.queue_workers import all_ended


def test_a_queue_ends_even_where_one_of_its_tasks_missed_that_it_was_cancelled() -> None:
    """As before Python 3.12 in the moment in which a connection opens."""
    missed = []

    async def listener() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            missed.append(1)  # and goes on
        await asyncio.sleep(60)

    async def worker() -> None:
        listens = asyncio.create_task(listener(), name="listener")
        await asyncio.sleep(0)
        listens.cancel()
        await asyncio.gather(listens, return_exceptions=True)

    async def run() -> None:
        await asyncio.wait_for(all_ended([asyncio.create_task(worker())]), 30)

    asyncio.run(run())
    assert missed
