"""``syncd config upgrade``: a config of an earlier syncd with today's keys, its old text beside it."""

from __future__ import annotations

from pathlib import Path

import tomlkit

from syncd.cli.exits import Exit
from syncd.cli.render import say
from syncd.cli.wizard.files import write_over
from syncd.config import find
from syncd.config.upgrade import upgraded
from syncd.errors import ConfigError
from syncd.formatting import count


def run_upgrade(path: Path | None, *, dry_run: bool) -> Exit:
    """Write the upgraded config, or show what would change.

    Raises:
        ConfigError: there is no config, or it is no TOML.

    """
    file = find(path)
    try:
        before = file.read_text(encoding="utf-8")
        after, changes = upgraded(before)
    except (tomlkit.exceptions.TOMLKitError, RecursionError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", cure="Correct the line that it names.") from None
    for line in changes:
        say(line)
    if not changes:
        say(f"{file} has today's keys: nothing to change")
    elif dry_run:
        say(f"{count(len(changes), 'change')}; nothing was written")
    else:
        mode, old = file.stat().st_mode & 0o777, file.with_name(f"{file.name}.old")
        write_over(old, before, mode)
        write_over(file, after, mode)
        say(f"{file} was upgraded; its old text is in {old}. Now: syncd check")
    return Exit.OK
