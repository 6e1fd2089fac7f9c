"""Secrets in the configuration: where each one comes from, never what it is.

A secret is written ``{ env = "NAME" }``, ``{ file = "/run/credentials/token" }`` or ``{ command = ["pass", "show", "x"] }``.
Its value lives in a pydantic ``SecretStr``, whose repr is stars.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, SecretStr

ALLOWED = 'must be { env = "NAME" }, { file = "PATH" } or { command = ["PROGRAM", "ARG"] }'
_COMMAND_TIMEOUT_S = 30
_TOKEN = re.compile(r"[!-~]{1,8192}")


def secrets_in(settings: object) -> Iterator[str]:
    """Every secret that some settings hold, however deep, and of a secret that is a URL its password alone as well."""
    if isinstance(settings, SecretStr):
        value = settings.get_secret_value()
        yield from _of_url(value) if "://" in value else (value,)
    elif isinstance(settings, BaseModel):
        for name in type(settings).model_fields:
            yield from secrets_in(getattr(settings, name))
    elif isinstance(settings, Mapping):
        for value in settings.values():
            yield from secrets_in(value)
    elif isinstance(settings, Iterable) and not isinstance(settings, str | bytes):
        for value in settings:
            yield from secrets_in(value)


def _of_url(url: str) -> Iterator[str]:
    """Yield the secrets of a URL; one without a password holds none, and may be shown."""
    try:
        password = urlsplit(url).password
    except ValueError:
        password = url
    if password:
        yield from (url, password, unquote(password))


def secret_files(node: object) -> Iterator[Path]:
    """Yield the files that ``{ file = "..." }`` secrets of a parsed config are read from."""
    if isinstance(node, Mapping):
        if set(node) == {"file"} and isinstance(node["file"], str):
            yield Path(os.path.expandvars(node["file"]))
        for value in node.values():
            yield from secret_files(value)
    elif isinstance(node, list):
        for value in node:
            yield from secret_files(value)


def resolve_secret(value: object) -> SecretStr:
    """Read the secret that ``value`` points to.

    Raises:
        ValueError: the form is wrong, or the place it names has no value; the message never holds a secret.

    """
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(ALLOWED)
    ((kind, where),) = value.items()
    if kind == "env" and isinstance(where, str):
        return _from_env(where)
    if kind == "file" and isinstance(where, str):
        return _from_file(where)
    if kind == "command" and isinstance(where, list) and where and all(isinstance(word, str) for word in where):
        return _from_command(where)
    raise ValueError(ALLOWED)


def _from_env(name: str) -> SecretStr:
    value = os.environ.get(name, "").strip()
    if not value:
        msg = f"environment variable {name} is not set: set it, or name a file or a command instead"
        raise ValueError(msg)
    return SecretStr(value)


def _from_file(name: str) -> SecretStr:
    try:
        value = Path(os.path.expandvars(name)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"secret file {name} cannot be read ({getattr(error, 'strerror', None) or 'not text'})"
        raise ValueError(msg) from None
    if not value:
        msg = f"secret file {name} is empty"
        raise ValueError(msg)
    return SecretStr(value)


def _from_command(command: list[str]) -> SecretStr:
    try:
        done = subprocess.run(  # noqa: S603  the operator's own command, from the operator's own config file
            command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"secret command {command[0]} could not be run ({type(error).__name__})"
        raise ValueError(msg) from None
    value = done.stdout.strip()
    if done.returncode != 0 or not value:
        msg = f"secret command {command[0]} exited with {done.returncode} and {'no' if not value else 'some'} output"
        raise ValueError(msg)
    return SecretStr(value)


Secret = Annotated[SecretStr, BeforeValidator(resolve_secret)]


def _of_a_header(secret: SecretStr) -> SecretStr:
    """Return a token as a header takes it: one word of ASCII. A credentials file as downloaded holds more than that."""
    value = secret.get_secret_value()
    if not _TOKEN.fullmatch(value):
        lines = len(value.splitlines())
        what = f"{lines} lines" if lines > 1 else "blanks or characters that no token has"
        msg = (
            f"must be the token alone, and holds {what}: of a credentials file, keep the access token and nothing else"
        )
        raise ValueError(msg)
    return secret


Token = Annotated[SecretStr, BeforeValidator(resolve_secret), AfterValidator(_of_a_header)]
"""A secret that goes into a header."""
