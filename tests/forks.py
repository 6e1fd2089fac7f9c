"""Commands as real processes at a tenth of their cost: a server that has imported syncd forks one for each, with its own files.

What a command does is the same as after ``python -m syncd``; what it does not do again is load its modules.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import pty
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

_APART = ("syncd.sandbox", "syncd.testing", "syncd.ledger.migrations", "syncd.__main__")
_CHUNK = 1 << 20


def run_forked(words: Sequence[str], env: Mapping[str, str], cwd: Path, seconds: float) -> tuple[int, str, str]:
    """Run ``syncd`` with ``words``: exit code (negative: a signal), standard output, standard error.

    Raises:
        TimeoutError: it had not ended after ``seconds``; it was killed.

    """
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        asked.settimeout(seconds)
        asked.connect(_server())
        request = json.dumps({"words": list(words), "env": dict(env), "cwd": str(cwd)}).encode()
        socket.send_fds(asked, [len(request).to_bytes(8)], [out.fileno(), err.fileno()])
        asked.sendall(request)
        pid = int(asked.recv(16))
        try:
            code = int(asked.recv(16))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise
        return code, _text(out.fileno()), _text(err.fileno())


def run_on_terminal(words: Sequence[str], env: Mapping[str, str], cwd: Path) -> str:
    """What ``syncd`` with ``words`` shows on a terminal of 80 columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # the last writer is gone
            while part := os.read(master, 65536):
                shown.append(part)

    reader = threading.Thread(target=read)
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", *words], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cwd
    )
    os.close(slave)
    reader.start()
    process.wait(120)
    reader.join(10)
    os.close(master)
    return b"".join(shown).decode().replace("\r\n", "\n")


def _text(number: int) -> str:
    size = os.fstat(number).st_size
    return os.pread(number, size, 0).decode()


@cache
def _server() -> str:
    """Start this process's server; the address where it listens."""
    folder = tempfile.mkdtemp(prefix="syncd-forks-")
    address = f"{folder}/socket"
    process = subprocess.Popen([sys.executable, "-m", "tests.forks", address], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    atexit.register(process.kill)
    return address


def main(address: str) -> None:
    """Load everything, then fork for each request until the parent is gone."""
    for module in pkgutil.walk_packages(importlib.import_module("syncd").__path__, "syncd."):
        if not module.name.startswith(_APART):
            importlib.import_module(module.name)
    importlib.import_module("pycountry").currencies.get(alpha_3="USD")
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(address)
        server.listen(16)
        server.settimeout(5)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        parent = os.getppid()
        os.write(1, b"ready\n")
        while os.getppid() == parent:
            try:
                asked, _ = server.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                server.close()
                _serve(asked)
            asked.close()


def _serve(asked: socket.socket) -> None:
    """One request: fork the command, wait for it, say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, files, _, _ = socket.recv_fds(asked, 8, 2)
    size, request = int.from_bytes(head), b""
    while len(request) < size:
        request += asked.recv(_CHUNK)
    pid = os.fork()
    if pid == 0:
        asked.close()
        _become(json.loads(request), files)
    asked.sendall(str(pid).encode().ljust(16))
    _, status = os.waitpid(pid, 0)
    asked.sendall(str(os.waitstatus_to_exitcode(status)).encode().ljust(16))
    os._exit(0)


def _become(request: Mapping[str, object], files: Sequence[int]) -> None:
    """End as the command that was asked for."""
    from syncd.cli.edge import main as command

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    for number in files:
        os.close(number)
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]  # a JSON object of texts
    sys.argv = ["syncd", *request["words"]]  # type: ignore[misc]  # a JSON list of texts
    code = 0
    try:
        command()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001  as the interpreter would
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
