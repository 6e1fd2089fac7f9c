"""An SFTP server over a folder, on the real protocol, which hangs, lies and changes its key when told to."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any, Self

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.sftp import SFTP_OK, SFTP_PERMISSION_DENIED

USER, PASSWORD = "till", "open sesame"


class SftpDouble:
    """Listens on a port of its own; everything that a client may see lies in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key: paramiko.PKey = paramiko.ECDSAKey.generate()
        self.client_key = paramiko.ECDSAKey.generate()
        self.silent = False  # says nothing after the connection is up
        self.stuck = False  # answers no read
        self.sizes: dict[str, int] = {}  # what it says of a file, whatever is true
        self.names: list[str] = []  # names that it makes up
        self.on_read: Any = lambda _name: None
        self.may_move = True
        self.unreadable: set[str] = set()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._alive = True
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._alive = False
        self._listener.close()

    @property
    def host_key(self) -> str:
        return f"{self.key.get_name()} {self.key.get_base64()}"

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def _serve(self) -> None:
        while self._alive:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.silent:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                self._held = client
                continue
            try:
                transport = paramiko.Transport(client)
                transport.add_server_key(self.key)
                transport.set_subsystem_handler("sftp", SFTPServer, _Files, self)
                transport.start_server(server=_Door(self))
            except (paramiko.SSHException, EOFError, OSError):
                continue  # a client that has seen enough


class _Door(paramiko.ServerInterface):
    def __init__(self, double: SftpDouble) -> None:
        self._double = double

    def check_auth_password(self, username: str, password: str) -> int:
        ok = (username, password) == (USER, PASSWORD)
        return AUTH_SUCCESSFUL if ok else AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        ok = username == USER and key.get_base64() == self._double.client_key.get_base64()
        return AUTH_SUCCESSFUL if ok else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


class _Files(SFTPServerInterface):
    def __init__(self, server: _Door, double: SftpDouble) -> None:
        super().__init__(server)
        self._double = double

    def _path(self, path: str) -> Path:
        return self._double.folder / path.lstrip("/")

    def _attributes(self, path: Path) -> SFTPAttributes:
        found = SFTPAttributes.from_stat(path.stat(), path.name)
        found.st_size = self._double.sizes.get(path.name, found.st_size)
        return found

    def list_folder(self, path: str) -> Any:
        found = [self._attributes(one) for one in sorted(self._path(path).iterdir())]
        for name in self._double.names:
            made = SFTPAttributes()
            made.filename, made.st_mode, made.st_size, made.st_mtime = name, 0o100644, 5, 1
            found.append(made)
        return found

    def stat(self, path: str) -> Any:
        try:
            return self._attributes(self._path(path))
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> Any:
        del flags, attr
        if Path(path).name in self._double.unreadable:
            return SFTP_PERMISSION_DENIED
        try:
            file = self._path(path).open("rb")
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)
        handle = _Handle(self._double, Path(path).name)
        handle.__dict__["readfile"] = file  # as its base class reads it; the stubs do not know
        return handle

    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        del attr
        try:
            self._path(path).mkdir()
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)
        return SFTP_OK

    def rename(self, oldpath: str, newpath: str) -> int:
        if not self._double.may_move:
            return SFTP_PERMISSION_DENIED
        self._path(oldpath).rename(self._path(newpath))
        return SFTP_OK


class _Handle(SFTPHandle):
    def __init__(self, double: SftpDouble, name: str) -> None:
        super().__init__()
        self._double, self._name = double, name

    def read(self, offset: int, length: int) -> Any:
        self._double.on_read(self._name)
        while self._double.stuck and self._double._alive:
            time.sleep(0.05)
        return super().read(offset, length)
