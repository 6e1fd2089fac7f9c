"""Packed files: the members of a zip, or what a .gz holds, laid into the same folder, bounded in number, size and growth.

A member is whole and on the disk before it goes by its own name, and all are before their archive is moved away: a power cut in
between unpacks them again, and reading a file twice changes nothing.
"""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from syncd.sources.own_files import create, free_name

_MOST_MEMBERS = 1000
_LARGEST = 1 << 30
_TOTAL = 2 << 30
_FREE = 256 << 20  # what must stay free on the disk: the ledger may be on it
_SMALL, _RATIO = 16 << 20, 200  # beyond that size, a text that grows more than that often is none
_CHUNK = 1 << 20
_BROKEN = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class Readable(Protocol):
    """What can be read byte by byte."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""
        ...


class BadArchive(Exception):
    """The archive cannot be unpacked, or not within bounds."""


class CutArchive(BadArchive):
    """The archive breaks off: perhaps the rest is still to come."""


def is_packed(name: str, takes: Callable[[str], bool]) -> bool:
    """Whether a file of that name may hold files that are taken."""
    low = name.lower()
    return low.endswith(".zip") or (low.endswith(".gz") and takes(name[:-3]))


def unpack(archive: Path, takes: Callable[[str], bool]) -> list[Path]:
    """Lay the members that are taken beside their archive, each with its time; where they now lie.

    Raises:
        BadArchive: it is none, is encrypted, holds nothing that is taken, or would become too large.
        OSError: the disk is full, or may not be written.

    """
    laid: list[Path] = []
    size, stamp = archive.stat().st_size, archive.stat().st_mtime_ns
    try:
        room = _Room(size)
        for name, content in _members(archive, takes):
            laid.append(_lay(archive, name, content, room))
        if not laid:
            raise BadArchive("it holds no file that this source reads")
        for path in laid:
            os.utime(path, ns=(stamp, stamp))
    except _BROKEN as error:
        _remove(laid)
        raise CutArchive(f"it cannot be unpacked: {error}") from None
    except (BadArchive, OSError):
        _remove(laid)
        raise
    final = [
        path.rename(free_name(archive.parent / path.name.removeprefix(".").removesuffix(".part"))) for path in laid
    ]
    folder = os.open(archive.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return final


def _members(archive: Path, takes: Callable[[str], bool]) -> Iterator[tuple[str, Readable]]:
    if archive.name.lower().endswith(".gz"):
        with gzip.open(archive) as content:
            yield archive.name[:-3], content
        return
    with zipfile.ZipFile(archive) as packed:
        members = packed.infolist()
        if len(members) > _MOST_MEMBERS:
            raise BadArchive(f"it holds more than {_MOST_MEMBERS} files")
        for member in members:
            name = Path(member.filename.replace("\\", "/")).name
            if member.is_dir() or name.startswith(".") or "__MACOSX" in member.filename or not takes(name):
                continue
            if member.flag_bits & 1:
                raise BadArchive(f"its member {name} is encrypted")
            with packed.open(member) as content:
                yield f"{archive.stem}-{name}", content


@dataclass(slots=True)
class _Room:
    """How much an archive of so many bytes may become."""

    packed: int
    total: int = 0

    def take(self, count: int, member: int, folder: Path) -> None:
        self.total += count
        if member > _LARGEST or self.total > _TOTAL:
            raise BadArchive(f"it unpacks to more than {(_LARGEST if member > _LARGEST else _TOTAL) >> 30} GB")
        if self.total > _SMALL and self.total > self.packed * _RATIO:
            raise BadArchive(f"it grows more than {_RATIO} times as it is unpacked: that is no export")
        if shutil.disk_usage(folder).free < _FREE:
            raise BadArchive(f"the disk has less than {_FREE >> 20} MB left")


def _lay(archive: Path, name: str, content: Readable, room: _Room) -> Path:
    path = free_name(archive.with_name(f".{name}.part"))
    size = 0
    with create(path) as out:
        try:
            while part := content.read(_CHUNK):
                size += len(part)
                room.take(len(part), size, archive.parent)
                out.write(part)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        out.flush()
        os.fsync(out.fileno())
    return path


def _remove(laid: list[Path]) -> None:
    for path in laid:
        path.unlink(missing_ok=True)
