"""Write files of our own into folders of others: never through a link, never over a file, readable by us alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from syncd.canonical import Fault
from syncd.spreadsheet import lines

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def create(path: Path) -> BinaryIO:
    """Return a new file, open for writing, that only we may read.

    Raises:
        OSError: something of that name is there already, be it a link that leads nowhere.

    """
    return os.fdopen(os.open(path, _NEW, 0o600), "wb")


def own_folder(path: Path) -> Path:
    """Return the folder, made if it is missing, for our eyes alone.

    Raises:
        OSError: it is a link, or no folder: what is moved there would end up elsewhere.

    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise NotADirectoryError(0, f"{path.name}/ is a link or no folder: replace it by a folder") from None
    return path


def free_name(path: Path) -> Path:
    """Return the path itself, or one beside it that nobody has taken, not even a link that leads nowhere."""
    number, free = 1, path
    while os.path.lexists(free):
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def write_faults(path: Path, faults: Iterable[Fault]) -> None:
    """Write a new CSV of where, why and the raw text, for our eyes alone; no cell of it is taken for a formula.

    Raises:
        OSError: something of that name is there, or the disk is full.

    """
    rows = ((text.replace("\x00", "\\x00") for text in (fault.where, fault.reason, fault.raw)) for fault in faults)
    with create(path) as file:
        file.writelines(line.encode() for line in lines(("where", "reason", "raw"), rows))
