"""Turn errors into words and exit codes, in one place; save a report of an error that nobody foresaw."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import typer

from syncd import __version__
from syncd.cli import loading
from syncd.cli.exits import Exit, code_for
from syncd.cli.main import cli
from syncd.clock import SystemClock
from syncd.errors import Stopped, SyncdError, UsageError
from syncd.logs import redact

_WRONG_USAGE: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # of any wrong words; it has no public name
_EVERYWHERE = ("-v", "--verbose", "-q", "--quiet")


def main() -> None:
    """Entry point: runs a command; every error becomes a message with its cure, and its exit code."""
    as_json = "--json" in sys.argv
    loading.begin()
    try:
        _refuse_odd_words(sys.argv[1:])
        code = cli(options_first(sys.argv[1:]), standalone_mode=False)
        sys.stdout.flush()  # what cannot be written is heard of here, not at the interpreter's end
        sys.exit(code)
    except _WRONG_USAGE as error:
        if as_json:
            _tell_json(error.format_message(), "", Exit.USAGE)
        error.show()
        sys.exit(Exit.USAGE)
    except Stopped:
        sys.exit(Exit.INTERRUPTED)
    except SyncdError as error:
        code = code_for(error)
        if as_json:
            _tell_json(error.what, error.cure, code, str(error))
        typer.echo(f"syncd: {error}", err=True)
        sys.exit(code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(Exit.INTERRUPTED)
    except OSError as error:
        _end_by(error)
    except Exception as error:  # noqa: BLE001  nothing that nobody foresaw may end as a bare traceback
        where = save_report(error, sys.argv[1:])
        what = f"this is a bug in syncd: {type(error).__name__}: {redact(str(error))[:300]}"
        cure = f"Please report it with the file {where}. No sale is lost: what was recorded stays recorded."
        if as_json:
            _tell_json(what, cure, Exit.BUG)
        typer.echo(f"syncd: {what}\n  {cure}", err=True)
        sys.exit(Exit.BUG)


def _refuse_odd_words(words: Sequence[str]) -> None:
    """Refuse arguments that are no text: nothing that syncd writes could name them again.

    Raises:
        UsageError: one of them is not UTF-8.

    """
    for number, word in enumerate(words, start=1):
        try:
            word.encode()
        except UnicodeEncodeError:
            shown = word.encode(errors="backslashreplace").decode()
            raise UsageError(
                f"argument {number} is not UTF-8 text: {shown}", "Rename the file, or type it again."
            ) from None


def _end_by(error: OSError) -> NoReturn:
    """End with what the system said: of a file that was named, or of an output that takes no more."""
    if isinstance(error, BrokenPipeError):  # the reader of our output went away: `syncd sales | head`
        sys.stderr.close()
        sys.exit(Exit.OK)
    why = error.strerror or type(error).__name__
    if error.filename is not None:
        what, cure = f"{error.filename}: {why}", "Check that the path is right, and that you may read and write there."
    else:
        what, cure = f"the output could not be written: {why}", "Free some space, or write to another place."
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  what is left in its buffer goes nowhere
    with suppress(OSError):
        typer.echo(f"syncd: {what}\n  {cure}", err=True)
    with suppress(OSError):
        sys.stderr.flush()
    sys.exit(Exit.USAGE)


def _tell_json(what: str, cure: str, code: Exit, details: str = "") -> None:
    typer.echo(json.dumps({"error": what, "cure": cure, "details": details or what, "exit": int(code)}))


def options_first(words: list[str]) -> list[str]:
    """``words`` with the options that every command knows before the command, wherever they stood."""
    first: list[str] = []
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--" or (word == "service" and not rest):  # what follows is another command's
            return [*first, *rest, word, *left]
        if word in _EVERYWHERE or word.startswith("--log-level="):
            first.append(word)
        elif word == "--log-level":
            first += [word, *(value for value in [next(left, None)] if value is not None)]
        else:
            rest.append(word)
    return [*first, *rest]


def save_report(error: BaseException, words: Sequence[str]) -> Path:
    """Write the report into the folder for temporary files, readable by its owner alone; its path."""
    lines = [
        f"syncd {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {' '.join(words)}",
    ]
    lines += [line for part in traceback.format_exception(error) for line in part.splitlines()]
    stamp = f"{SystemClock().now():%Y%m%dT%H%M%SZ}"
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix=f"syncd-bug-{stamp}-", suffix=".txt", delete=False
    ) as file:
        file.write("\n".join(map(redact, lines)) + "\n")
    return Path(file.name)
