"""How files come into a drop folder: by themselves, from a server, and out of archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncd.canonical import Batch, Fault
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.context import SourceContext
from syncd.sources.folder import Folder, FolderSettings
from syncd.sources.packed import is_packed

if TYPE_CHECKING:
    from syncd.sources.sftp import Remote


@dataclass(frozen=True, slots=True)
class Inbox:
    """A drop folder, and the server that its files are fetched from, if there is one."""

    folder: Folder
    remote: Remote | None

    @classmethod
    def of(cls, settings: FolderSettings, context: SourceContext, suffixes: Sequence[str]) -> Inbox:
        """That of a source."""
        path = context.base_dir / settings.path.expanduser()
        folder = Folder(path, settings, context.clock, suffixes)
        if settings.sftp is None:
            return cls(folder, None)
        from syncd.sources.sftp import Remote  # noqa: PLC0415  most folders are filled by hand

        return cls(folder, Remote(settings.sftp, context.clock, context.stop))

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
        """What could not be fetched, and why nothing could be."""
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
