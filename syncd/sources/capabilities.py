"""What a source may be able to do besides: each a small protocol, found by its methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from msgspec import Struct

from syncd.canonical import Batch

if TYPE_CHECKING:
    from syncd.sources.arrivals import WatchedFolder
    from syncd.sources.consent import Consent


class FolderReport(Struct, frozen=True):
    """What lies in a drop folder: how many files wait, how many of them are still settling, and the names of what nobody reads."""

    path: Path
    waiting: int
    settling: int
    strange: tuple[str, ...]
    unread: tuple[str, ...] = ()  # those of them that have lain there for a day


@runtime_checkable
class Watching(Protocol):
    """A source with a folder that can be watched for new files, so that a poll need not wait for its turn."""

    def watched(self) -> WatchedFolder:
        """Return the folder, and where files that were closed in it are noted."""
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """A source that can read one file on request, for ``syncd preview``: nothing is moved."""

    def reads(self, path: Path) -> bool:
        """Whether this source would take the file."""
        ...

    def read_file(self, path: Path) -> Iterator[Batch]:
        """Yield the file's sales and faults."""
        ...


@runtime_checkable
class AsksConsent(Protocol):
    """A source of an account whose owner may give access on the POS's own page, for ``syncd connect``."""

    def consent(self) -> Consent | None:
        """Return how access is given; None where the config has a token that needs no consent."""
        ...


@runtime_checkable
class HasFolder(Protocol):
    """A source that reads what is dropped into a folder, and can say what lies there."""

    def folder_report(self) -> FolderReport:
        """Return what lies in the folder now.

        Raises:
            SourceError: the folder cannot be read.

        """
        ...

    def takes(self, name: str) -> bool:
        """Whether a file of that name is this source's to read."""
        ...


@runtime_checkable
class FetchesOne(Protocol):
    """A source that can fetch one sale by its id, as a webhook named it."""

    def fetch_one(self, sale_id: str) -> Batch | None:
        """Return the sale as it is now (its cursor None), a void of it where it was deleted.

        None where it is not there or not whole yet.

        Raises:
            SourceError: the source cannot be read.

        """
        ...


class Delivery(Struct, frozen=True):
    """What was posted to ``/intake/<source>``: headers by lower-case name, and the raw body."""

    headers: Mapping[str, str]
    body: bytes


class Received(Struct, frozen=True):
    """What a delivery comes to: whole sales to record (cursor None), ids of sales to fetch, whether a poll is worth while.

    ``says`` is for the log: a code that the vendor wants typed in somewhere, for example.
    """

    batch: Batch | None = None
    sales: tuple[str, ...] = ()
    poll: bool = True
    says: str = ""


@runtime_checkable
class Receiving(Protocol):
    """A source that takes webhooks."""

    def receives(self) -> bool:
        """Whether its config holds what a delivery is checked with."""
        ...

    def receive(self, delivery: Delivery) -> Received:
        """Check the proof that a delivery carries, and tell what it says. No I/O: the sender waits.

        Raises:
            Forged: it carries no proof, or a wrong one.
            ValueError: its body is not what the vendor sends.

        """
        ...
