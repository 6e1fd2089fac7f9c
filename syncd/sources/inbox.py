"""How files come into a drop folder: by themselves, from a server or a bucket, and out of archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from syncd.canonical import Batch, Fault
from syncd.errors import SourceError
from syncd.extras import require
from syncd.sources.base import Finding
from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceUnavailable
from syncd.sources.folder import Folder, FolderSettings
from syncd.sources.packed import is_packed


class Elsewhere(Protocol):
    """A folder somewhere else, whose files are fetched: on an SFTP server, or in a bucket."""

    @property
    def shown(self) -> str:
        """Where it is."""
        ...

    def bring(self, folder: Path, wanted: Callable[[str], bool], settle: timedelta) -> Iterator[Fault]:
        """Fetch what is ready into ``folder``; what cannot be fetched is reported once. Raises SourceError where nothing can be."""
        ...

    def look(self, wanted: Callable[[str], bool]) -> int:
        """How many files wait there. Errors as ``bring``."""
        ...


class Inbox(Struct, frozen=True):
    """A drop folder, and the server or bucket that its files are fetched from, if there is one."""

    folder: Folder
    remote: Elsewhere | None

    @classmethod
    def of(cls, settings: FolderSettings, context: SourceContext, suffixes: Sequence[str]) -> Inbox:
        """Return the one of a source."""
        path = context.base_dir / settings.path.expanduser()
        folder = Folder(path, settings, context.clock, suffixes)
        if settings.sftp is not None:
            require("sftp", "a folder on a server", SourceUnavailable)
            from syncd.sources.sftp import SftpFolder  # noqa: PLC0415  most folders are filled by hand

            return cls(folder, SftpFolder(settings.sftp, context.clock, context.stop))
        if settings.bucket is not None:
            require("bucket", "a folder in a bucket", SourceUnavailable)
            from syncd.sources.bucket import Bucket  # noqa: PLC0415  as above, and it is an extra

            return cls(folder, Bucket(settings.bucket, context.clock, context.stop))
        return cls(folder, None)

    def filled(self, read: Callable[[], Iterator[Batch]], *, unpack: bool) -> Iterator[Batch]:
        """Fetch what is ready, unpack it if asked to, and then ``read``; what lies here is read whatever became of the rest.

        Raises:
            SourceError: the folder cannot be read, or the server cannot be used: told once all else is done.

        """
        faults, trouble = self._fetched()
        if unpack:
            faults += self.folder.unpack()
        if faults:
            yield Batch((), tuple(faults), None)
        yield from read()
        if trouble is not None:
            raise trouble

    def _fetched(self) -> tuple[list[Fault], SourceError | None]:
        """Return what could not be fetched, and why nothing could be."""
        if self.remote is None:
            return [], None
        self.folder.path.mkdir(parents=True, exist_ok=True)
        faults: list[Fault] = []
        try:
            faults += self.remote.bring(self.folder.path, self._wanted, self.folder.settings.settle)
        except SourceError as error:
            return faults, error
        return faults, None

    def check(self) -> Iterator[Finding]:
        """How the folder stands, and whether the server lets us in."""
        if self.remote is not None:
            self.folder.path.mkdir(parents=True, exist_ok=True)
            try:
                count = self.remote.look(self._wanted)
            except SourceError as error:
                yield Finding("error", error.what, error.cure)
            else:
                yield Finding("ok", f"{self.remote.shown} answers; {count} file{'' if count == 1 else 's'} there")
        yield from self.folder.check()

    def _wanted(self, name: str) -> bool:
        return self.folder.takes(name) or is_packed(name, self.folder.takes)
