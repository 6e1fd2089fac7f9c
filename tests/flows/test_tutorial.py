"""The tutorial, command by command, as somebody types it who has never seen syncd."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.service.daemons import until

_PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
_CODES = {
    "audit": {0, 1},
    "status": {0, 1},
    "sync": {0, 1},
    "preview": {0, 1},
    "backfill": {0, 1},
}  # one of the sales is held


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def answers(text: str) -> str:
    """The right column of the table of answers; what stands in it that is not code is Enter."""
    rows = re.findall(r"^\| (?!it asks|---)[^|]+\| (.+?) \|$", text, re.MULTILINE)
    return "\n".join(found[1] if (found := re.match(r"`(.+)`", row)) else "" for row in rows) + "\n"


def test_every_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    text = _PAGE.read_text(encoding="utf-8").replace("8790", str(free_port()))
    program = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": f"{program}:{os.environ['PATH']}", "SYNCD_WEB__LISTEN": f"127.0.0.1:{free_port()}"}
    env.pop("SYNCD_CONFIG", None)
    commands = re.findall(r"^    ((?:syncd|cp) .+)$", text, re.MULTILINE)
    assert len(commands) > 12
    said: dict[str, str] = {}
    began, sandbox = time.monotonic(), None
    try:
        for command in commands:
            words = shlex.split(command)
            if words[1] == "sandbox":
                sandbox = subprocess.Popen(words, env=env, cwd=tmp_path, stdout=subprocess.DEVNULL)
                until(lambda port=words[-1]: answered(f"http://127.0.0.1:{port}/"))  # type: ignore[misc]
                continue
            if words[1] == "run":
                runs(words, env, tmp_path)
                continue
            given = answers(text) if words[1] == "init" else ""
            done = subprocess.run(
                words, env=env, cwd=tmp_path, input=given, capture_output=True, text=True, check=False
            )
            assert done.returncode in _CODES.get(words[1], {0}), (command, done.stdout, done.stderr)
            assert "Traceback" not in done.stderr
            said[command] = done.stdout
    finally:
        if sandbox is not None:
            sandbox.terminate()
            sandbox.wait()
    whole = "\n".join(said.values())
    assert "Nothing was sent twice" in whole
    assert "main: POS 2629.41 USD, BigCommerce 2636.99 USD, difference -7.58 USD" in whole
    assert "main: not in BigCommerce: 1 held, -7.58 USD" in whole  # which is all of the difference
    assert re.search(r"31 sales \(.*1 held", whole)
    assert "30 would be pushed" in whole  # of the preview: the other half of Square's export lies beside it
    print(f"{len(commands)} commands in {time.monotonic() - began:.0f} s")


def answered(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


def runs(words: list[str], env: dict[str, str], folder: Path) -> None:
    daemon = subprocess.Popen(words, env=env, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answered(f"http://{env['SYNCD_WEB__LISTEN']}/"))
    finally:
        daemon.send_signal(signal.SIGINT)
        assert daemon.wait(30) in (0, 130)
