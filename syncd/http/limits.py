"""How long and how much one HTTP exchange may take, and which way it goes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Limits(Struct, frozen=True):
    """The bounds of an exchange: to connect, in all, and in bytes after decompression; a CA file and a proxy of its own, if any."""

    connect_timeout: timedelta = timedelta(seconds=5)
    deadline: timedelta = timedelta(seconds=30)
    most_bytes: int = 32 * 1024 * 1024
    ca_file: Path | None = None
    proxy: str | None = None


def https_or_loopback(url: str) -> str:
    """Return the URL without its last slash: https, or a server on this very machine, to which a token may go in clear.

    Raises:
        ValueError: it is neither.

    """
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        return url.rstrip("/")
    msg = "must be an https:// URL (http:// only for a server on this machine)"
    raise ValueError(msg)
