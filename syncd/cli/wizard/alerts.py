"""Asks who shall be mailed when something needs attention, and sends a test message."""

from __future__ import annotations

import threading
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from syncd.cli.render import say
from syncd.cli.wizard.asking import TRIES, Asker
from syncd.errors import UsageError
from syncd.extras import install_command, is_installed
from syncd.logs import hide
from syncd.service.delivery import Message, send

_WHERE = "syncd writes when a sale needs you, a store or a till cannot be reached, or no sales arrive; and a summary each morning."
_TEST = Message(
    "syncd: a test message",
    "This is a test. syncd writes here when something needs your attention. Nothing is wrong now.",
)
_PLAIN_PORT = "25"


def ask_alerts(asker: Asker) -> str:
    """Return the address that alerts go to, as apprise has it; empty for nobody. A test message went there."""
    if not is_installed("alerts"):
        say(
            f"   Mails and messages need the extra alerts. In another terminal: {install_command(['alerts'])}\n"
            "   Answer once it is done, or press Enter for nobody: [alerts] in the config does it later.",
            hang=3,
        )
    for _ in range(TRIES):
        try:
            url = _ask(asker)
        except UsageError as error:
            say(f"   {error.what}. {error.cure}", hang=3)
            continue
        if not url:
            return ""
        hide(url)
        trouble = send([SecretStr(url)], _TEST, threading.Event())
        if not trouble:
            say("   A test message was sent. Look whether it has arrived.")
            return url
        say(f"   The test message was not sent: {trouble}. Check the answers, or press Enter for nobody.", hang=3)
    say("   Nobody will be mailed. Set it up later: [alerts] in the config, then syncd alerts test.", hang=3)
    return ""


def _ask(asker: Asker) -> str:
    words = "Who shall be mailed? An e-mail address, an apprise address (ntfy://, slack://, ...), or Enter for nobody"
    said = asker.ask(words, where=_WHERE, default="", shows_default=False)
    if not said or "://" in said:
        return said
    user, _, domain = said.rpartition("@")
    if not user or "." not in domain or " " in said:
        raise UsageError(f"{said!r} is no e-mail address", "Such as owner@example.com.")
    server = asker.ask("Mail server that sends it (SMTP), with its port if it is not 587", default=f"smtp.{domain}")
    name = asker.ask("User name there (- for none)", default=said)
    if name == "-":
        return mail_url(said, server, "", "")
    word = asker.ask("Password (not shown)", where="Gmail and others want an app password here.", secret=True)
    return mail_url(said, server, name, word)


def mail_url(to: str, server: str, user: str, password: str) -> str:
    """Return the address of a mailbox as apprise has it: over TLS, except to port 25.

    Source: https://github.com/caronc/apprise/wiki/Notify_email
    """
    host, _, port = server.partition(":")
    scheme = "mailto" if port == _PLAIN_PORT or not user else "mailtos"
    who = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    more = urlencode({"from": to, "to": to, "smtp": host, "name": "syncd"})
    return f"{scheme}://{who}{host}{f':{port}' if port else ''}?{more}"
