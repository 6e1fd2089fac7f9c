"""A consistent copy of a SQLite ledger while it is in use, checked before it counts."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from syncd.errors import Corrupt, Full, UsageError

_PAGES_AT_ONCE = 2000


def copy(source: Path, target: Path) -> int:
    """Copy the ledger to ``target``, which must not exist; bytes written.

    The copy is made beside its name, read back whole, flushed to disk and only then given its name.

    Raises:
        UsageError: the target is there already.
        Full: the copy cannot be written.
        Corrupt: the copy did not pass its check; it was removed.

    """
    if target.exists():
        raise UsageError(f"{target} is there already", "Name a new file; a backup never overwrites one.")
    part = target.with_name(f".{target.name}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as here:
            with closing(sqlite3.connect(part)) as there:
                here.backup(there, pages=_PAGES_AT_ONCE, sleep=0.01)
                _without_secrets(there)
                there.execute("pragma journal_mode=delete")  # one file, with nothing beside it
            _check(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        size = part.stat().st_size
        part.rename(target)
    except (OSError, sqlite3.OperationalError) as error:
        raise Full(
            f"the backup {target} cannot be written: {error}", "Free space or correct the permissions there."
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return size


def _without_secrets(copied: sqlite3.Connection) -> None:
    """Leave out the tokens that adapters keep: a backup goes to places where they must not be."""
    if copied.execute("select 1 from sqlite_master where name = 'source_state'").fetchone():
        copied.execute("pragma secure_delete=on")
        copied.execute("delete from source_state where secret = 1")
        copied.commit()


def _check(part: Path) -> None:
    with closing(sqlite3.connect(f"file:{part}?mode=ro", uri=True)) as copied:
        said = copied.execute("pragma integrity_check").fetchone()[0]
    if said != "ok":
        cure = "Look at the ledger itself: syncd ledger verify. Keep the backups that you have."
        raise Corrupt(f"the copy is damaged: {said}", cure)
