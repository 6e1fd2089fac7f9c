"""What every adapter gets from syncd, beside its own settings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from syncd.clock import Clock

if TYPE_CHECKING:
    from syncd.sources.http import ApiProfile, Auth, HttpClient

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class AdapterState(Protocol):
    """An adapter's own small memory: durable on return, kept out of logs, pages and backups. For tokens that rotate."""

    def get(self, name: str) -> str | None:
        """Return the value of a name, None where it has none."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep a value, at once."""
        ...

    def swap(self, name: str, old: str | None, new: str) -> bool:
        """Put ``new`` in the place of ``old``; False where another process came first, whose value ``get`` then tells."""
        ...


class Memory:
    """A state that ends with the process: for tests, and for looking at a file without a ledger."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        """Return the value of a name, None where it has none."""
        with self._lock:
            return self._values.get(name)

    def put(self, name: str, value: str) -> None:
        """Keep a value."""
        with self._lock:
            self._values[name] = value

    def swap(self, name: str, old: str | None, new: str) -> bool:
        """Put ``new`` in the place of ``old``."""
        with self._lock:
            if old is not None and self._values.get(name) != old:
                return False
            self._values[name] = new
            return True


class SourceContext(Struct, frozen=True):
    """The source's name in its sale keys, the clock, the folder that relative paths start from, and what a walk needs.

    ``stop`` is set when syncd must end: long waits and walks look at it. ``start_from`` tells where a first walk (``fetch(None)``)
    begins; asking settles it for good, so only ``fetch`` asks. ``known`` gives the ids of
    the sales of this source that are in the ledger, not void, and were placed in a span of time: for a POS that deletes without
    a word. ``renamed`` is its name in the config, where that is another one now.
    """

    name: str
    clock: Clock
    base_dir: Path
    stop: threading.Event = field(default_factory=threading.Event)
    state: AdapterState = field(default_factory=Memory)
    start_from: Callable[[], datetime] = lambda: _EVER
    known: Callable[[datetime, datetime], Iterable[str]] = lambda _start, _end: ()
    renamed: str = ""

    @property
    def configured(self) -> str:
        """The source's name in the config."""
        return self.renamed or self.name

    def http(self, base: str, auth: Auth, terms: ApiProfile | None = None) -> HttpClient:
        """Return the bounded HTTP client for the API at ``base``: ``auth`` proves who we are, ``terms`` are the API's own.

        One total deadline a request, no redirect followed, answers bounded in size, paced, ``Retry-After`` obeyed.

        Raises:
            ValueError: ``base`` is neither https nor a server on this machine.

        """
        from syncd.sources.http import ApiProfile, HttpClient  # noqa: PLC0415  a source that reads files needs no HTTP

        return HttpClient(self.clock, self.stop, base, auth, terms or ApiProfile())
