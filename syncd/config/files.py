"""Where a config is written: its TOML files, and the variables of the environment that go over them."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from syncd.config.model import Table, Tables
from syncd.errors import ConfigError, ConfigProblem

PLACES = ("./syncd.toml", "/etc/syncd/syncd.toml")
FOLDER = "conf.d"
"""The folder beside the config file whose files add stores and sources, one file a store."""


def find(path: Path | None) -> Path:
    """Return the config file to read: the one named, else ``SYNCD_CONFIG``, else the first of the usual places.

    Raises:
        ConfigError: there is none.

    """
    named = path or (Path(os.environ["SYNCD_CONFIG"]) if os.environ.get("SYNCD_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"there is no config file {named}", cure="Name another with --config, or write this one.")
        return named
    for place in PLACES:
        if Path(place).is_file():
            return Path(place)
    cure = "Run syncd init, or name a file with --config."
    raise ConfigError(f"no config file: looked for {' and '.join(PLACES)}", cure=cure)


class ConfigText(Struct, frozen=True):
    """What a config says, unchecked: the main file, the environment, and each file of ``conf.d`` by its name.

    ``broken`` are the files of ``conf.d`` that cannot be read, with the reason.
    """

    main: Table
    environment: Table
    parts: Mapping[str, Table] = field(default_factory=dict)
    broken: Mapping[str, ConfigProblem] = field(default_factory=dict)


def read_written(file: Path) -> ConfigText:
    """Read the config file, the files of ``conf.d`` beside it, and the environment.

    Raises:
        ConfigError: the main file or the environment cannot be read.

    """
    main, parts, broken = read_toml(file), dict[str, Table](), dict[str, ConfigProblem]()
    for part in part_files(file):
        name = f"{FOLDER}/{part.name}"
        try:
            parts[name] = read_toml(part)
        except ConfigError as error:
            broken[name] = _why(error, part)
    return ConfigText(main, read_environment(), parts, broken)


def is_part(name: str) -> bool:
    """Whether a file of ``conf.d`` is read, by its name; hidden ones (an editor's, a mount's) are not."""
    return name.endswith(".toml") and not name.startswith(".")


def part_files(file: Path) -> list[Path]:
    """Return the files of ``conf.d`` beside a config file, by name."""
    folder = file.parent / FOLDER
    try:
        found = [path for path in folder.iterdir() if is_part(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        cure = f"Let the user that runs syncd read {folder}."
        raise ConfigError(f"the folder {folder} cannot be read: {error.strerror}", cure=cure) from None
    return sorted(found)


def _why(error: ConfigError, part: Path) -> ConfigProblem:
    if error.problems:
        return ConfigProblem(error.problems[0].key, "", "; ".join(problem.allowed for problem in error.problems))
    return ConfigProblem(part.name, "", error.what.removeprefix(f"{part} "))


def read_environment() -> Table:
    """Return what ``SYNCD_...`` variables say.

    Raises:
        ConfigError: one of them holds no table where one must be.

    """
    if not any(name.startswith("SYNCD_") and name != "SYNCD_CONFIG" for name in os.environ):
        return {}
    from syncd.config.environment import read  # noqa: PLC0415  most machines set nothing, and need not wait for it

    return read()


def misspelt(tables: Sequence[Table]) -> Iterator[ConfigProblem]:
    """Yield variables that look like ours and name nothing that there is, nor hold a secret that ``tables`` name."""
    known = [f"SYNCD_{name.upper()}" for name in (*Tables.model_fields, "config")]
    ours = [name for name in sorted(os.environ) if name.startswith("SYNCD_")]
    named = {name for table in tables for name in _env_names(table)} if ours else set()
    for name in ours:
        head, nested, _ = name.partition("__")
        if name in named or head in known:
            continue
        near = difflib.get_close_matches(head, known, n=1, cutoff=0.8)
        if nested or near:
            hint = (
                f"; did you mean {near[0]}{nested}...?"
                if near and nested
                else f"; did you mean {near[0]}?"
                if near
                else ""
            )
            yield ConfigProblem(name, "", f"is an environment variable that syncd does not know{hint}")


def _env_names(node: object) -> Iterator[str]:
    """Yield the variables that ``{ env = "..." }`` secrets are read from."""
    if isinstance(node, dict):
        if isinstance(name := node.get("env"), str):
            yield name
        for value in node.values():
            yield from _env_names(value)


def read_toml(file: Path) -> Table:
    """Return a file's tables.

    Raises:
        ConfigError: it cannot be read, or is no TOML.

    """
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except RecursionError:
        raise ConfigError(f"{file} is nested too deeply", cure="Write each table under a heading of its own.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", cure="Correct the line that it names.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{file} cannot be read: {reason}") from None
    if problems := list(_odd_texts(found, ())):
        raise ConfigError(f"{file} cannot be used:", problems)
    return found


def _odd_texts(node: object, at: tuple[str, ...]) -> Iterator[ConfigProblem]:
    """Yield what no path, address or name can hold: a text with a NUL in it."""
    if isinstance(node, str) and "\0" in node:
        yield ConfigProblem(".".join(at), "", "must not hold a NUL character")
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _odd_texts(value, (*at, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _odd_texts(value, (*at, str(place)))


def merge(below: Table, above: Table) -> Table:
    """Return two tables as one; where both have a value that is no table, ``above`` has it."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged
