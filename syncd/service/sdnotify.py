"""Tells systemd how the daemon is: ready, alive, stopping (sd_notify(3)'s protocol, a datagram to a socket)."""

from __future__ import annotations

import os
import socket


def notify(*lines: str) -> bool:
    """Send state lines such as ``READY=1``; False, and nothing else, where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto("\n".join(lines).encode(), address)
        except OSError:  # the manager's socket is gone: it will notice us by other means, and sales go on
            return False
    return True


def watchdog_interval_s() -> float | None:
    """How often systemd wants to hear ``WATCHDOG=1``: half of its limit; None where it does not watch."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not usec.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 2_000_000
