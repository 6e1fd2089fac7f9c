"""What the daemon's jobs are called, in health, in metrics and when they are asked for; and what each does, in words."""

from __future__ import annotations


def poll_job(source: str) -> str:
    """Return the name of the job that polls a source, in health and when it is asked for."""
    return f"poll {source}"


def backfill_job(source: str) -> str:
    """Return the name of the job that walks a source's backfills."""
    return f"backfill {source}"


def fetch_job(source: str) -> str:
    """Return the name of the job that fetches what webhooks named."""
    return f"fetch {source}"


def reconcile_job(store: str) -> str:
    """Return the name of the job that settles what is in doubt in a store."""
    return f"reconcile {store}"


def metafields_job(store: str) -> str:
    """Return the name of the job that writes the POS's facts to a store's orders."""
    return f"metafields {store}"


def push_job(store: str) -> str:
    """Return the name of the job that pushes to a store."""
    return f"push {store}"


_JOBS = {
    "poll": 'read "{}"',
    "fetch": 'read what webhooks of "{}" named',
    "backfill": 'backfill "{}"',
    "push": 'send orders to store "{}"',
    "reconcile": 'look up lost answers of store "{}"',
    "refresh": 'refresh the catalog of store "{}"',
    "metafields": 'write metafields of store "{}"',
    "look over": 'check the orders of store "{}"',
    "housekeep": "tidy up the ledger",
    "tell": "send alerts",
    "heartbeat": "send its heartbeat",
    "events": "send events to other programs",
}


def job_words(name: str) -> str:
    """Return what a job does, in words: ``read "till"`` for ``poll till``."""
    for begin, words in _JOBS.items():
        if name == begin or name.startswith(f"{begin} "):
            return words.format(name.removeprefix(begin).strip())
    return f'run "{name}"'
