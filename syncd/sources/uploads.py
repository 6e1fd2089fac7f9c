"""Exports that somebody uploads for a source: kept beside its folder until they are sent there, or thrown away.

An upload lies in a hidden folder within the source's own, where no poll sees it. Sending it is a rename: the poll sees the whole
file at once, or none.
"""

from __future__ import annotations

import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from syncd.clock import Clock
from syncd.errors import UsageError
from syncd.sources.own_files import free_name

_PLACE = ".uploads"
_NAME = re.compile(r"[0-9a-f]{32}")
_LONGEST = 150  # bytes of a file's name
_KEPT_S = 86_400.0


class Upload(Struct, frozen=True):
    """An export that was uploaded: the name under which it is asked for, and where it lies."""

    token: str
    path: Path


def keep_upload(folder: Path, name: str, content: bytes, clock: Clock) -> Upload:
    """Keep an export until somebody has seen its preview; those that nobody sent for a day are thrown away.

    Raises:
        UsageError: its name is none that a file can have, or it cannot be written.

    """
    name = re.split(r"[/\\]", name)[-1].strip()
    if not name or name.startswith((".", "~")) or len(name.encode()) > _LONGEST or not name.isprintable():
        raise UsageError("the file has no name that can be kept", "Give it a short name, such as sales-november.csv.")
    _forget_old(folder / _PLACE, clock)
    token = secrets.token_hex(16)
    place = folder / _PLACE / token
    try:
        (folder / _PLACE).mkdir(mode=0o700, exist_ok=True)
        place.mkdir(mode=0o700)
        path = place / name
        path.write_bytes(content)
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        cure = f"Give the user that runs syncd the right to write in {folder}."
        raise UsageError(f"the file cannot be kept: {error.strerror}", cure) from None
    return Upload(token, path)


def find_upload(folder: Path, token: str) -> Upload | None:
    """Return an upload; None where it was sent or thrown away since, or never was."""
    if not _NAME.fullmatch(token):
        return None
    with suppress(OSError):
        for path in (folder / _PLACE / token).iterdir():
            return Upload(token, path)
    return None


def send_upload(folder: Path, upload: Upload) -> Path | None:
    """Move an upload into the folder, where the next poll reads it; None where somebody else was quicker.

    Raises:
        UsageError: it cannot be moved.

    """
    target = free_name(folder / upload.path.name)
    try:
        upload.path.rename(target)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{upload.path.name} cannot be moved: {error.strerror}", f"Look at {folder}.") from None
    discard_upload(upload)
    return target


def discard_upload(upload: Upload) -> None:
    """Throw an upload away."""
    shutil.rmtree(upload.path.parent, ignore_errors=True)


def _forget_old(place: Path, clock: Clock) -> None:
    oldest = clock.now().timestamp() - _KEPT_S
    with suppress(OSError):
        for one in place.iterdir():
            if one.stat(follow_symlinks=False).st_mtime < oldest:
                shutil.rmtree(one, ignore_errors=True)
