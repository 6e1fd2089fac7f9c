"""What files that are fetched from elsewhere have in common: bounds, room on the disk, and whether one is here already."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from syncd.sources.errors import SourceUnavailable

MOST = 20_000  # files in one folder
LARGEST = 2 << 30
_FREE = 256 << 20


class RemoteFile(Struct, frozen=True):
    """A file over there as it looked: its size in bytes, when it was written (seconds since 1970), and its version's tag."""

    name: str
    size: int
    stamp: int
    tag: str = ""


def oversize() -> str:
    """Why a file is not fetched that is larger than any export."""
    return f"it has more than {LARGEST >> 30} GB"


def check_room(folder: Path, one: RemoteFile) -> None:
    """Check that the disk has room for a file, and for all else that goes on.

    Raises:
        Unavailable: it has none.

    """
    if shutil.disk_usage(folder).free < one.size + _FREE:
        raise SourceUnavailable(f"the disk has no room for {one.name} ({one.size >> 20} MB)", "Make room.")


def is_here(folder: Path, one: RemoteFile) -> bool:
    """Whether the file was fetched before: it lies here, read or not, as it looks there."""
    for place in (folder, folder / "processed", folder / "failed"):
        with suppress(OSError):
            found = (place / one.name).stat()
            if (found.st_size, int(found.st_mtime)) == (one.size, one.stamp):
                return True
    return False
