"""A pgbouncer before the tests' PostgreSQL server."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.databases import SERVER


@contextmanager
def bouncer(mode: str) -> Iterator[Callable[[str], str]]:
    """A pgbouncer in that mode; a URL of the server becomes one that goes through it."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = make_url(SERVER)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        config = home / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host={server.host} port={server.port} user={server.username}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n"
            "unix_socket_dir =\nignore_startup_parameters = extra_float_digits\n"
        )
        config.chmod(0o644)
        with subprocess.Popen([program, "-q", "-u", "nobody", str(config)], stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for_port(port)
                yield lambda url: make_url(url).set(port=port).render_as_string(hide_password=False)
            finally:
                process.kill()


def _wait_for_port(port: int) -> None:
    for _ in range(2000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.01)
    pytest.fail("the pooler does not listen")
