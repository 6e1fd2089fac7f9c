"""What the program says of itself: help, the manual page, completion."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from syncd.cli.main import cli
from syncd.cli.man import man_page


def commands() -> list[str]:
    found: list[str] = []

    def walk(command: object, path: str) -> None:
        inner = getattr(command, "commands", None)
        if inner:
            for name, one in inner.items():
                walk(one, f"{path} {name}".strip())
        else:
            found.append(path)

    walk(typer.main.get_command(cli), "")
    return found


def test_the_manual_page_has_every_command_with_its_example() -> None:
    page = man_page(cli)
    for path in commands():
        plain = path.replace("-", "\\-")
        assert f".SS {plain}\n" in page
    assert page.count(".nf") == len(commands())
    assert "\\fB70\\fR" in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_manual_page_is_sound() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww"], input=man_page(cli), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_shells_complete_commands() -> None:
    env = {**os.environ, "COMP_WORDS": "syncd back", "COMP_CWORD": "1", "_SYNCD_COMPLETE": "complete_bash"}
    program = Path(sys.executable).with_name("syncd")
    done = subprocess.run([program], env=env, capture_output=True, text=True, check=False)
    assert {"backfill", "backfills"} <= set(done.stdout.split())
