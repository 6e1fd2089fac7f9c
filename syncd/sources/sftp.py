"""A folder on an SFTP server: its files are fetched whole into the drop folder, and moved there or left.

The server must prove itself with the key that the config names. A file is fetched once it has looked the same at two looks (or is
older than ``settle``); it is on our disk, of the size that the server told, and unchanged over there, before it goes by its own
name.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import paramiko

from syncd.canonical import Fault
from syncd.clock import Clock
from syncd.errors import SourceError
from syncd.sources.errors import SourceAccessDenied, SourceUnavailable
from syncd.sources.fetched import LARGEST, MOST, RemoteFile, check_room, is_here, oversize
from syncd.sources.own_files import create, free_name
from syncd.sources.remote_settings import FINGERPRINT, TYPES, SftpSettings

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what goes wrong comes as an exception, and is reported by us

_ANSWER_S = 20
_LONGEST_NAME = 240  # bytes; a file on its way has some more
_CHUNK = 32 * 1024


@dataclass(slots=True)
class SftpFolder:
    """The server's folder; remembers how each file looked when it was last seen."""

    settings: SftpSettings
    clock: Clock
    stop: threading.Event
    _seen: dict[str, RemoteFile] = field(default_factory=dict)
    _told: set[RemoteFile] = field(default_factory=set)

    @property
    def shown(self) -> str:
        """Where it is."""
        return f"sftp://{self.settings.user}@{self.settings.host}:{self.settings.port}/{self.settings.path.lstrip('/')}"

    def bring(self, folder: Path, wanted: Callable[[str], bool], settle: timedelta) -> Iterator[Fault]:
        """Fetch what is ready into ``folder``; what cannot be fetched is reported once.

        Raises:
            Denied: the server is not who it should be, or does not let us in.
            Unavailable: it does not answer, or not in time.

        """
        with self._session() as (client, deadline):
            listed = [one for one in self._listed(client, deadline) if wanted(one.name)]
            ready = [one for one in listed if self._stands_still(one, settle)]
            self._seen = {one.name: one for one in listed}
            kept: SourceError | None = None
            for one in ready:
                if self.stop.is_set():
                    return
                if self.settings.after == "keep" and is_here(folder, one):
                    continue
                try:
                    self._fetch(client, one, folder, deadline)
                except SourceAccessDenied as denied:
                    kept = denied  # the others go on
                except (_Odd, OSError, ValueError) as error:
                    if isinstance(error, OSError) and not _still_connected(client):
                        raise
                    if one not in self._told:
                        self._told.add(one)
                        yield Fault(one.name, f"{self.shown}: {getattr(error, 'strerror', None) or error}", "")
            if kept is not None:
                raise kept

    def look(self, wanted: Callable[[str], bool]) -> int:
        """How many files wait there. Errors as ``bring``."""
        with self._session() as (client, deadline):
            return sum(wanted(one.name) for one in self._listed(client, deadline))

    @contextmanager
    def _session(self) -> Iterator[tuple[paramiko.SFTPClient, _Deadline]]:
        """Connect to the server once it has proved itself, and let go whatever happens; its errors as ours."""
        deadline = _Deadline(self.clock, self.settings.patience)
        try:
            with _connected(self.settings) as transport:
                client = paramiko.SFTPClient.from_transport(transport)
                if client is None:
                    raise SourceUnavailable(f"{self.shown}: the server opens no SFTP session")
                channel = client.get_channel()
                if channel is not None:
                    channel.settimeout(_ANSWER_S)
                yield client, deadline
        except SourceError:
            raise
        except _Late:
            raise SourceUnavailable(f"{self.shown} answers too slowly: {self.settings.patience} are over") from None
        except paramiko.AuthenticationException as error:
            raise SourceAccessDenied(
                f"{self.shown} does not let us in: {error}", "Check user, and password or key."
            ) from None
        except UnicodeError:
            what = f"{self.shown} has a file whose name is no UTF-8, and cannot be listed"
            raise SourceUnavailable(what, "Rename it there.") from None
        except (paramiko.SSHException, OSError, EOFError, TimeoutError) as error:
            words = str(error) or type(error).__name__
            cure = "Check host, port and path; syncd continues automatically once the server answers."
            raise SourceUnavailable(f"{self.shown} cannot be used: {words[:200]}", cure) from None

    def _listed(self, client: paramiko.SFTPClient, deadline: _Deadline) -> Iterator[RemoteFile]:
        for count, entry in enumerate(client.listdir_iter(self.settings.path)):
            deadline.check()
            if count >= MOST:
                raise SourceUnavailable(f"{self.shown} lists more than {MOST} files", "Move old ones away.")
            name, mode = entry.filename, entry.st_mode or 0
            if "/" in name or name in (".", "..") or name.startswith(".") or not stat.S_ISREG(mode):
                continue
            yield RemoteFile(name, entry.st_size or 0, entry.st_mtime or 0)

    def _stands_still(self, one: RemoteFile, settle: timedelta) -> bool:
        old = self.clock.now().timestamp() - one.stamp >= max(
            settle.total_seconds(), 60
        )  # clocks differ by some seconds
        return old or self._seen.get(one.name) == one

    def _fetch(self, client: paramiko.SFTPClient, one: RemoteFile, folder: Path, deadline: _Deadline) -> None:
        """One file: whole on the disk, then by its own name, then away over there."""
        there = f"{self.settings.path.rstrip('/')}/{one.name}"
        if "\x00" in one.name or len(os.fsencode(one.name)) > _LONGEST_NAME:
            raise _Odd("its name cannot be a file's here: rename it there")
        if one.size > LARGEST:
            raise _Odd(oversize())
        check_room(folder, one)
        part = folder / f".{one.name}.part"
        part.unlink(missing_ok=True)  # of a visit that was cut off
        try:
            with create(part) as out, client.open(there, "rb", _CHUNK) as source:
                source.prefetch(one.size, 16)
                count = 0
                while count <= one.size and (content := source.read(_CHUNK)):
                    deadline.check()
                    count += len(content)
                    out.write(content)
                out.flush()
                os.fsync(out.fileno())
            now = client.stat(there)
            if (now.st_size, now.st_mtime or 0) != (one.size, one.stamp):
                return  # it was written to meanwhile: it is fetched again
            if count != one.size:
                raise _Odd(f"the server says that it has {one.size} bytes, and gave {count}")
            os.utime(part, (one.stamp, one.stamp))
            part.rename(free_name(folder / one.name))
        finally:
            part.unlink(missing_ok=True)
        if self.settings.after == "move":
            self._move_away(client, there, one)

    def _move_away(self, client: paramiko.SFTPClient, there: str, one: RemoteFile) -> None:
        """Into ``processed`` over there; where that is not allowed, it is reported, and the file fetched again does no harm."""
        folder = f"{self.settings.path.rstrip('/')}/processed"
        with suppress(OSError):
            client.mkdir(folder)
        for number in range(100):
            name = one.name if not number else f"{number}-{one.name}"
            try:
                client.stat(f"{folder}/{name}")
            except FileNotFoundError:
                try:
                    client.rename(there, f"{folder}/{name}")
                except OSError as error:
                    cure = 'Let the user move files there, or set after = "keep".'
                    raise SourceAccessDenied(
                        f"{self.shown}: {one.name} cannot be moved to processed/: {error}", cure
                    ) from None
                return
        raise SourceUnavailable(f"{self.shown}: processed/ has a hundred files named {one.name}", "Clear it.")


def _still_connected(client: paramiko.SFTPClient) -> bool:
    """Whether an error is one file's: the server goes on answering."""
    try:
        client.stat(".")
    except (OSError, EOFError, paramiko.SSHException):
        return False
    return True


class _Odd(Exception):
    """A file that cannot be taken as the server offers it."""


class _Late(Exception):
    """The time for this visit is over."""


@dataclass(slots=True)
class _Deadline:
    """The end of a visit, by boot time."""

    clock: Clock
    patience: timedelta
    end: float = 0.0

    def __post_init__(self) -> None:
        self.end = self.clock.elapsed().seconds + self.patience.total_seconds()

    def check(self) -> None:
        """Go on, if there is time."""
        if self.clock.elapsed().seconds > self.end:
            raise _Late


@contextmanager
def _connected(settings: SftpSettings) -> Iterator[paramiko.Transport]:
    with socket.create_connection((settings.host, settings.port), timeout=_ANSWER_S) as plain:
        transport = paramiko.Transport(plain)
        transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = _ANSWER_S
        kind = next((word for word in settings.host_key.split() if word in TYPES), "")
        if kind and kind != "ssh-rsa":
            transport.get_security_options().key_types = (kind,)
        try:
            transport.start_client(timeout=_ANSWER_S)
            _prove(transport.get_remote_server_key(), settings)
            if settings.password is not None:
                transport.auth_password(settings.user, settings.password.get_secret_value())
            else:
                transport.auth_publickey(settings.user, _private_key(settings))
            yield transport
        finally:
            transport.close()


def _prove(key: paramiko.PKey, settings: SftpSettings) -> None:
    """Check that the server's key is the one that the config names.

    Raises:
        Denied: it is another.

    """
    blob = key.asbytes()
    found = FINGERPRINT + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    wanted = settings.host_key
    same = wanted == found if wanted.startswith(FINGERPRINT) else base64.b64encode(blob).decode() in wanted.split()
    if not same:
        what = f"the server at {settings.host}:{settings.port} shows the key {found}, which is not the one in host_key"
        cure = "If its key was changed, ask whoever runs it, and put the new one into host_key; else somebody stands in between."
        raise SourceAccessDenied(what, cure)


def _private_key(settings: SftpSettings) -> paramiko.PKey:
    text = settings.key.get_secret_value() if settings.key else ""
    phrase = settings.passphrase.get_secret_value() if settings.passphrase else None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with suppress(paramiko.SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(text if text.endswith("\n") else f"{text}\n"), phrase)
    raise SourceAccessDenied(
        "key is no private key that can be read (Ed25519, ECDSA or RSA)", "Check key and passphrase."
    )
