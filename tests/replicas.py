"""A PostgreSQL server of its own with a standby, which tests kill and promote."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

_USER = "postgres"
_SETTINGS = (
    "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nmax_connections = 200\n"
    "hot_standby = on\nwal_level = replica\nmax_wal_senders = 4\nshared_buffers = 32MB\n"
)


@dataclass
class Replicated:
    """Both servers: their folders and ports."""

    folder: Path
    programs: Path
    ports: tuple[int, int]

    @property
    def url(self) -> str:
        """A ledger's URL that goes to whichever of the two takes writes."""
        ports = ",".join(map(str, self.ports))
        return f"postgresql+psycopg://{_USER}@/ledger?host=127.0.0.1,127.0.0.1&port={ports}&target_session_attrs=read-write"

    def query(self, server: int, statement: str) -> list[tuple[Any, ...]]:
        conninfo = f"host=127.0.0.1 port={self.ports[server]} user={_USER} dbname=postgres"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def caught_up(self) -> bool:
        """Whether the standby has all that the first server has committed."""
        ((behind,),) = self.query(0, "select pg_current_wal_lsn() - replay_lsn from pg_stat_replication") or [(1,)]
        return bool(behind == 0)

    def cut_replication(self) -> None:
        """From now on the standby hears of no commit, and the first server goes on all the same."""
        ((pid,),) = self.query(0, "select pid from pg_stat_replication")
        os.kill(pid, signal.SIGSTOP)

    def fail_over(self) -> None:
        """The first server is gone, as in a power cut; the standby takes its place."""
        pid = int((self.folder / "0" / "postmaster.pid").read_text().split()[0])
        children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for one in (pid, *children):
            os.kill(one, signal.SIGKILL)
        self.run("pg_ctl", "promote", "-w", "-D", str(self.folder / "1"))

    def run(self, program: str, *words: str) -> None:
        command = [str(self.programs / program), *words]
        as_user = {"user": _USER, "group": _USER, "extra_groups": []} if os.getuid() == 0 else {}
        with (self.folder / "log").open("ab") as log:
            subprocess.run(command, stdout=log, stderr=log, check=True, cwd=self.folder, timeout=60, **as_user)  # type: ignore[call-overload]


@contextmanager
def replicated() -> Iterator[Replicated]:
    """Two servers with an empty database ``ledger``; the second follows the first, which does not wait for it."""
    programs = _programs()
    if programs is None:
        pytest.skip("the programs of a PostgreSQL server are not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, _USER, _USER)
        both = Replicated(folder, programs, (_free_port(), _free_port()))
        both.run("initdb", "-D", str(folder / "0"), "-U", _USER, "-A", "trust", "--no-sync")
        _configure(folder / "0", both.ports[0])
        try:
            both.run("pg_ctl", "start", "-w", "-D", str(folder / "0"), "-l", str(folder / "0.log"))
            both.query(0, "create database ledger")
            source = ("-h", "127.0.0.1", "-p", str(both.ports[0]), "-U", _USER)
            both.run("pg_basebackup", "-D", str(folder / "1"), "-R", "-c", "fast", "--no-sync", *source)
            _configure(folder / "1", both.ports[1])
            both.run("pg_ctl", "start", "-w", "-D", str(folder / "1"), "-l", str(folder / "1.log"))
            yield both
        finally:
            for server in ("0", "1"):
                subprocess.run(["pkill", "-9", "-f", "--", f"-D {folder / server}"], check=False)
            time.sleep(0.2)


def _configure(folder: Path, port: int) -> None:
    with (folder / "postgresql.conf").open("a") as file:
        file.write(f"{_SETTINGS}port = {port}\n")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _programs() -> Path | None:
    """The folder of the newest server's programs: Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    place = found[-1] if found else shutil.which("initdb")
    return Path(place).parent if place else None
