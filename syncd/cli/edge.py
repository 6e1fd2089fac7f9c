"""Turn errors into words and exit codes, in one place; save a report of an error that nobody foresaw."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from syncd import __version__
from syncd.cli import loading
from syncd.cli.exits import Exit, code_for
from syncd.cli.main import cli
from syncd.clock import SystemClock
from syncd.errors import Stopped, SyncdError
from syncd.logs import redact

_WRONG_USAGE: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # of any wrong words; it has no public name
_EVERYWHERE = ("-v", "--verbose", "-q", "--quiet")


def main() -> None:
    """Entry point: runs a command; every error becomes a message with its cure, and its exit code."""
    as_json = "--json" in sys.argv
    loading.begin()
    try:
        sys.exit(cli(options_first(sys.argv[1:]), standalone_mode=False))
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
    except BrokenPipeError:  # the reader of our output went away: `syncd sales | head`
        sys.stderr.close()
        sys.exit(Exit.OK)
    except Exception as error:  # noqa: BLE001  nothing that nobody foresaw may end as a bare traceback
        where = save_report(error, sys.argv[1:])
        what = f"this is a bug in syncd: {type(error).__name__}: {redact(str(error))[:300]}"
        cure = f"Please report it with the file {where}. No sale is lost: what was recorded stays recorded."
        if as_json:
            _tell_json(what, cure, Exit.BUG)
        typer.echo(f"syncd: {what}\n  {cure}", err=True)
        sys.exit(Exit.BUG)


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
