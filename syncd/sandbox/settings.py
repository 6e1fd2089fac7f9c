"""What kind of store the sandbox is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """A sandbox store.

    ``quota`` 0 is as good as unlimited, ``db`` None keeps orders in memory, ``record`` names a file to which every request
    and its answer are written. Orders may be in ``currency`` and in ``more_currencies``.
    """

    store_hash: str = "sandbox"
    token: str = "sandbox-token"  # noqa: S105  it opens nothing but this sandbox
    host: str = "127.0.0.1"
    port: int = 0
    db: Path | None = None
    quota: int = 0
    window_ms: int = 30_000
    latency_ms: int = 0
    seed: int = 1
    currency: str = "USD"
    more_currencies: tuple[str, ...] = ()
    catalog: Path | None = None
    faults: Path | None = None
    record: Path | None = None
