"""Sends messages by apprise, in a process of its own: what hangs is ended, and what it has loaded is gone with it.

Its addresses hold tokens: they go in over standard input, and what it complains of comes back without them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from msgspec import Struct
from pydantic import SecretStr

from syncd.extras import install_command, is_installed
from syncd.logs import redact

_LONGEST_S, _LOOK_S = 60.0, 0.5
_MOST_SAID = 500
_MAILS = ("mailto:", "mailtos:")


class Message(Struct, frozen=True):
    """What people read: as text, and as HTML where it has that form too."""

    title: str
    body: str
    html: str = ""


def send(urls: Sequence[SecretStr], message: Message, stop: threading.Event) -> str:
    """Send a message to every address; empty where all took it, else what went wrong, without any address.

    Once ``stop`` is set, nobody waits for it any more.
    """
    if not urls:
        return ""
    return _asked(urls, {"title": message.title, "body": message.body, "html": message.html}, stop)


def unknown_addresses(urls: Sequence[SecretStr]) -> str:
    """Return which addresses (by number) apprise does not know; empty where it knows all. Nothing is sent."""
    return _asked(urls, {"check": "yes"}, threading.Event())


def _asked(urls: Sequence[SecretStr], what: Mapping[str, str], stop: threading.Event) -> str:
    if not is_installed("alerts"):
        return f"messages need the extra alerts, which is not installed. Install it: {install_command(['alerts'])}"
    plain = [url.get_secret_value() for url in urls]
    asked = json.dumps({"urls": plain, **what})
    words, pipe = [sys.executable, "-m", "syncd.service.delivery"], subprocess.PIPE
    try:
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as sender:  # noqa: S603  our own module
            said = _heard(sender, asked, stop)
    except OSError as error:
        return f"the message could not be sent ({type(error).__name__})"
    if sender.returncode == 0:
        return ""
    for url in plain:
        said = said.replace(url, "***")
    return redact(said or f"the message could not be sent ({sender.returncode})")[:_MOST_SAID]


def _heard(sender: subprocess.Popen[bytes], asked: str, stop: threading.Event) -> str:
    given: bytes | None = asked.encode()
    for _ in range(int(_LONGEST_S / _LOOK_S)):
        try:
            return sender.communicate(given, timeout=_LOOK_S)[0].decode("utf-8", "replace").strip()
        except subprocess.TimeoutExpired:
            given = None
        if stop.is_set():
            break
    sender.kill()
    return "the message was not taken in time"


def main() -> int:
    """Send what standard input asks for; which addresses (by number) did not take it goes to standard output."""
    import logging  # noqa: PLC0415  only the process that sends needs these two

    import apprise  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    asked = json.load(sys.stdin)
    failed = []
    for number, url in enumerate(asked["urls"], start=1):
        service = apprise.Apprise.instantiate(url)
        if service is None:
            failed.append(f"address {number} is none that apprise knows")
            continue
        if "check" in asked:
            continue
        # What it is must be said: names and notes of a till are in it, and a mail would take them for HTML.
        rich = bool(asked["html"]) and url.lower().startswith(_MAILS)
        body, form = (asked["html"], apprise.NotifyFormat.HTML) if rich else (asked["body"], apprise.NotifyFormat.TEXT)
        sender = apprise.Apprise()
        sender.add(service)
        if not sender.notify(title=asked["title"], body=body, body_format=form):
            failed.append(f"address {number} did not take it")
    sys.stdout.write("; ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
