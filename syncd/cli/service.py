"""``syncd service``: runs a command as the service runs, with its user, its folders and its credentials."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from syncd.errors import UsageError

_CARRIED = (
    "User",
    "Group",
    "SupplementaryGroups",
    "DynamicUser",
    "StateDirectory",
    "StateDirectoryMode",
    "ConfigurationDirectory",
    "WorkingDirectory",
    "UMask",
    "LoadCredential",
    "LoadCredentialEncrypted",
    "SetCredential",
    "SetCredentialEncrypted",
    "Environment",
    "EnvironmentFile",
    "PassEnvironment",
    "ReadWritePaths",
)
"""What of a unit decides which files and secrets a command sees (systemd.exec(5)); systemd-run takes each as a property."""
_IN_A_CONTAINER = "In a container: docker compose exec syncd syncd "


def run_as_service(unit: str, words: Sequence[str]) -> int:
    """Run ``syncd WORDS`` with what the unit sets, and return its exit code.

    Raises:
        UsageError: there is no such unit, no systemd, or no right to start one.

    """
    if not words:
        raise UsageError("syncd service needs a command", "Such as: sudo syncd service status")
    systemctl, systemd_run = shutil.which("systemctl"), shutil.which("systemd-run")
    if systemctl is None or systemd_run is None:
        raise UsageError("there is no systemd here", f"{_IN_A_CONTAINER}{shlex.join(words)}")
    done = subprocess.run([systemctl, "cat", unit], capture_output=True, text=True, check=False)  # noqa: S603  systemd's own
    if done.returncode != 0:
        raise UsageError(
            f"there is no unit {unit}", f"Name it: syncd service --unit NAME ... {_IN_A_CONTAINER}{shlex.join(words)}"
        )
    if os.geteuid() != 0:
        raise UsageError("only root may run a command as the service", f"sudo syncd service {shlex.join(words)}")
    program, config = _started(done.stdout)
    asked = [systemd_run, "--quiet", "--wait", "--collect", "--pty" if sys.stdin.isatty() else "--pipe"]
    asked += [f"--property={key}={value}" for key, value in properties(done.stdout.splitlines())]
    asked += [f"--setenv=SYNCD_CONFIG={config}"] if config else []
    return subprocess.run([*asked, program, *words], check=False).returncode  # noqa: S603  what the caller asked for


def properties(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield what a unit, as ``systemctl cat`` prints it, says of the user, the folders and the secrets of its service.

    An empty value takes back what stands above it, as in systemd.
    """
    found: list[tuple[str, str]] = []
    for key, value in _settings(lines):
        if key in _CARRIED:
            found = [one for one in found if one[0] != key] if not value else [*found, (key, value)]
    yield from found


def _settings(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    section, carried = "", ""
    for line in lines:
        text = f"{carried}{line.strip()}"
        carried = ""
        if text.startswith(("#", ";")):
            continue
        if text.endswith("\\"):
            carried = f"{text[:-1].rstrip()} "
        elif text.startswith("["):
            section = text
        elif section == "[Service]" and "=" in text:
            key, _, value = text.partition("=")
            yield key.strip(), value.strip()


def _started(unit: str) -> tuple[str, str]:
    """Return the program that a unit starts, and the config that it names; empty where it names none."""
    command = next((value for key, value in _settings(unit.splitlines()) if key == "ExecStart" and value), "")
    words = shlex.split(command.lstrip("-@:+!"))
    config = next((after for word, after in pairwise(words) if word in ("--config", "-c")), "")
    config = config or next((word.partition("=")[2] for word in words if word.startswith("--config=")), "")
    return (words[0] if words else "syncd"), config
