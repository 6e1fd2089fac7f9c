"""``syncd man``: the manual page, from the very commands and options that the program has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from syncd import __version__

Command = Any  # typer has its own copy of click, and exports none of its types
_FILES = (
    ("./syncd.toml, /etc/syncd/syncd.toml", "The config, unless --config or SYNCD_CONFIG names another."),
    ("ledger.db", "The ledger: every sale with its state, attempts and story."),
)
_ENVIRONMENT = (
    ("SYNCD_CONFIG", "The config file."),
    ("SYNCD_STORES__MAIN__QUOTA_SHARE and its like", "Any key of the config: its path, with __ between the parts."),
)


def man_page(app: typer.Typer) -> str:
    """Return the page in roff, section 1."""
    root = typer.main.get_command(app)
    return "\n".join(_page(root)) + "\n"


def _page(root: Command) -> Iterator[str]:
    yield f'.TH SYNCD 1 "" "syncd {__version__}" "User Commands"'
    yield ".SH NAME"
    yield rf"syncd \- {_roff(_first_line(root)).rstrip('.')}"
    yield ".SH SYNOPSIS"
    yield r"\fBsyncd\fR [\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]"
    yield ".SH OPTIONS"
    yield from _options(root)
    yield ".SH COMMANDS"
    for path, command in walk_commands(root, ()):
        yield rf".SS {_roff(' '.join(path))}"
        yield from _body(command)
        yield from _options(command)
    yield ".SH EXIT STATUS"
    for part in str(root.epilog or "").removeprefix("Exit codes: ").rstrip(".").split("; "):
        code, _, says = part.partition(" ")
        yield from (".TP", rf"\fB{code}\fR", _roff(says))
    for title, rows in (("FILES", _FILES), ("ENVIRONMENT", _ENVIRONMENT)):
        yield f".SH {title}"
        for name, says in rows:
            yield from (".TP", rf"\fB{_roff(name)}\fR", _roff(says))


def walk_commands(command: Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Command]]:
    """Yield every command below one, with the words that lead to it."""
    if inner := getattr(command, "commands", None):
        for name in sorted(inner):
            yield from walk_commands(inner[name], (*path, name))
    else:
        yield path, command


def _first_line(command: Command) -> str:
    return (command.help or "").strip().splitlines()[0]


def _body(command: Command) -> Iterator[str]:
    text, _, example = (command.help or "").partition("Example: ")
    yield _roff(" ".join(text.split()))
    if example:
        yield from (".PP", ".RS 4", ".nf", rf"\fB{_roff(example.strip())}\fR", ".fi", ".RE")


def _options(command: Command) -> Iterator[str]:
    context = typer.Context(command)
    for one in command.params:
        if one.param_type_name == "argument":
            yield from (".TP", rf"\fI{_roff(str(one.name).upper())}\fR", _roff(" ".join((one.help or "").split())))
        elif record := one.get_help_record(context):
            names, says = record
            yield from (".TP", rf"\fB{_roff(names)}\fR", _roff(" ".join(says.split())))


def _roff(text: str) -> str:
    """Text that roff takes as it stands: dashes that can be copied, no line taken for a request."""
    plain = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^([.'])", r"\\&\1", plain)
