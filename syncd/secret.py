"""Secrets in the configuration: where each one comes from, never what it is.

A secret is written ``{ env = "NAME" }``, ``{ file = "/run/credentials/token" }`` or ``{ command = ["pass", "show", "x"] }``. It is
read when it is first needed, so that a command which needs none works where none can be read. Its value lives in a pydantic
``SecretStr``, whose repr is stars.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, PlainValidator, SecretStr, WithJsonSchema

from syncd import logs
from syncd.errors import SecretMissing

ALLOWED = 'must be { env = "NAME" }, { file = "PATH" } or { command = ["PROGRAM", "ARG"] }'
_COMMAND_TIMEOUT_S = 30
_TOKEN = re.compile(r"[!-~]{1,8192}")
READ_SECRETS = "Set it, name another place for it, or run the command as the service does: sudo syncd service COMMAND"

Check = Callable[[str], str]
"""Takes a value that was read and returns it; raises ValueError, in words that do not hold the value."""


class KeptSecret(SecretStr):
    """A secret that is read from its place when it is first needed, and kept."""

    def __init__(self, where: Mapping[str, Any], check: Check = str) -> None:
        super().__init__("")
        self._where, self._check = where, check
        self._key, self._home = "", Path()
        self._kept: str | None = None
        self._reading = threading.Lock()

    def named(self, key: str, home: Path) -> None:
        """Say which key of the config it is, and the folder in which a relative file lies."""
        self._key, self._home = key, home

    def read(self) -> str:
        """Return the value.

        Raises:
            ValueError: its place has no value, or one that cannot be right; the message never holds a secret.

        """
        with self._reading:
            if self._kept is None:
                value = self._check(_read(self._where, self._home))
                logs.hide(*hidden_in(value))
                self._kept = value
            return self._kept

    def read_again(self) -> bool:
        """Read the value anew; return whether it is another one. Where that fails, the one that was read before stays.

        Raises:
            ValueError: as ``read``.

        """
        before, fresh = self._kept, KeptSecret(self._where, self._check)
        fresh.named(self._key, self._home)
        value = fresh.read()
        with self._reading:
            self._kept = value
        return value != before

    @property
    def variable(self) -> str:
        """The environment variable that it is read from, which a running program cannot read anew; empty for other places."""
        return str(self._where.get("env", ""))

    @property
    def is_read(self) -> bool:
        """Whether its value is known by now."""
        return self._kept is not None

    def get_secret_value(self) -> str:
        """Return the value; raises SecretMissing where it cannot be read."""
        try:
            return self.read()
        except ValueError as error:
            raise SecretMissing(f"{self._key or 'a secret'}: {error}", cure=READ_SECRETS) from None

    def then(self, change: Check) -> KeptSecret:
        """Return the same secret, with its value changed when it is read."""
        check = self._check
        changed = KeptSecret(self._where, lambda value: change(check(value)))
        changed.named(self._key, self._home)
        return changed

    def __eq__(self, other: object) -> bool:
        """Whether both are read from the same place; unlike its value, that is always known."""
        return isinstance(other, KeptSecret) and (self._where, self._home) == (other._where, other._home)

    def __hash__(self) -> int:
        """By where it is read from."""
        return hash((repr(self._where), self._home))

    def __len__(self) -> int:
        """As long as its value."""
        return len(self.get_secret_value())

    def _display(self) -> str:
        return "**********"


_PLAIN = frozenset(
    {str, int, bool, float, type(None), Decimal, timedelta}
)  # a config of many stores has millions of these


def kept_secrets(settings: object, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], KeptSecret]]:
    """Yield every secret that is read from somewhere, however deep, each with the keys that lead to it."""
    if isinstance(settings, KeptSecret):
        yield at, settings
    elif isinstance(settings, BaseModel):
        for name, value in settings.__dict__.items():
            if type(value) not in _PLAIN:
                yield from kept_secrets(value, (*at, name))
    elif isinstance(settings, Mapping):
        for name, value in settings.items():
            yield from kept_secrets(value, (*at, str(name)))
    elif isinstance(settings, list | tuple):
        for place, value in enumerate(settings):
            yield from kept_secrets(value, (*at, str(place)))


def secrets_in(settings: object) -> Iterator[str]:
    """Every secret that some settings hold and that is known by now, and of a secret that is a URL its password alone as well."""
    if isinstance(settings, KeptSecret) and not settings.is_read:
        return  # it is hidden when it is read
    if isinstance(settings, SecretStr):
        yield from hidden_in(settings.get_secret_value())
    elif isinstance(settings, str) and "://" in settings:
        yield from hidden_in(settings)  # an address in clear may hold a password all the same
    elif isinstance(settings, BaseModel | Collection) and not isinstance(settings, str | bytes):
        parts: Iterable[object] = settings  # a network yields all of its addresses, and is no collection
        if isinstance(settings, BaseModel):
            parts = settings.__dict__.values()
        elif isinstance(settings, Mapping):
            parts = settings.values()
        for value in parts:
            if type(value) not in _PLAIN or (type(value) is str and "://" in value):
                yield from secrets_in(value)


def hidden_in(value: str) -> Iterator[str]:
    """Yield what nobody may see of a value: of a URL, itself and its password; one without a password may be shown."""
    if "://" not in value:
        yield value
        return
    try:
        password = urlsplit(value).password
    except ValueError:
        password = value
    if password:
        yield from (value, password, unquote(password))


def masked(value: str) -> str:
    """Return a text that may be shown: of an address with a password, the address with stars in its place."""
    if "://" not in value:
        return value
    try:
        parts = urlsplit(value)
        password = parts.password
    except ValueError:
        return "***" if "@" in value else value
    if not password:
        return value
    user, host = parts.netloc.rpartition("@")[0].partition(":")[0], parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:***@{host}").geturl()


def secret_files(node: object) -> Iterator[Path]:
    """Yield the files that ``{ file = "..." }`` secrets of a parsed config are read from."""
    if isinstance(node, Mapping):
        if set(node) == {"file"} and isinstance(node["file"], str):
            yield Path(os.path.expandvars(node["file"])).expanduser()
        for value in node.values():
            yield from secret_files(value)
    elif isinstance(node, list):
        for value in node:
            yield from secret_files(value)


def secret_of(value: object, check: Check = str) -> SecretStr:
    """Return the secret that ``value`` points to, unread; ``check`` looks at its value once it is read.

    Raises:
        ValueError: the form is wrong.

    """
    if isinstance(value, KeptSecret):
        return value
    if isinstance(value, SecretStr):
        return SecretStr(check(value.get_secret_value()))
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(ALLOWED)
    ((kind, where),) = value.items()
    text = kind in ("env", "file") and isinstance(where, str)
    words = kind == "command" and isinstance(where, list) and where and all(isinstance(word, str) for word in where)
    if not (text or words):
        raise ValueError(ALLOWED)
    return KeptSecret(value, check)


def _read(place: Mapping[str, Any], home: Path) -> str:
    ((kind, where),) = place.items()
    if kind == "env":
        return _from_env(where)
    return _from_file(where, home) if kind == "file" else _from_command(where)


def _from_env(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        msg = f"environment variable {name} is not set: set it, or name a file or a command instead"
        raise ValueError(msg)
    return value


def _from_file(name: str, home: Path) -> str:
    if "$CREDENTIALS_DIRECTORY" in name and "CREDENTIALS_DIRECTORY" not in os.environ:
        msg = f"secret file {name} is there for the service alone"
        raise ValueError(msg)
    try:
        value = (home / Path(os.path.expandvars(name)).expanduser()).read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a home folder that nobody has
        why = getattr(error, "strerror", None) or (
            "not text" if isinstance(error, UnicodeDecodeError) else "no such path"
        )
        msg = f"secret file {name} cannot be read ({why})"
        raise ValueError(msg) from None
    if not value:
        msg = f"secret file {name} is empty"
        raise ValueError(msg)
    return value


def _from_command(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603  the operator's own command, from the operator's own config file
            command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        msg = f"secret command {command[0]} could not be run ({type(error).__name__})"
        raise ValueError(msg) from None
    value = done.stdout.strip()
    if done.returncode != 0 or not value:
        msg = f"secret command {command[0]} exited with {done.returncode} and {'no' if not value else 'some'} output"
        raise ValueError(msg)
    return value


def of_a_header(value: str) -> str:
    """Return a token as a header takes it: one word of ASCII. A credentials file as downloaded holds more than that."""
    if not _TOKEN.fullmatch(value):
        lines = len(value.splitlines())
        what = f"{lines} lines" if lines > 1 else "blanks or characters that no token has"
        msg = (
            f"must be the token alone, and holds {what}: of a credentials file, keep the access token and nothing else"
        )
        raise ValueError(msg)
    return value


def _token_of(value: object) -> SecretStr:
    return secret_of(value, of_a_header)


SECRET_SCHEMA = WithJsonSchema(
    {
        "description": ALLOWED,
        "oneOf": [
            {
                "type": "object",
                "properties": {kind: {"type": "string"}},
                "required": [kind],
                "additionalProperties": False,
            }
            for kind in ("env", "file")
        ]
        + [
            {
                "type": "object",
                "properties": {"command": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
                "required": ["command"],
                "additionalProperties": False,
            }
        ],
    }
)
Secret = Annotated[SecretStr, PlainValidator(secret_of), SECRET_SCHEMA]
Token = Annotated[SecretStr, PlainValidator(_token_of), SECRET_SCHEMA]
"""A secret that goes into a header."""
