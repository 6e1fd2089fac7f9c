"""Who may see the page and act on it: hosts, sessions, the password, forged forms, and what browsers may load.

Sessions live in this process: a restart signs everybody out. Their cookie is the only thing that a browser keeps.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from syncd.clock import Clock
from syncd.settings import WebSettings

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_LASTS_S = timedelta(hours=12).total_seconds()
_MOST_SESSIONS = 1_000
_TRIES, _TRIES_EACH_S = 5, 12.0  # five at once, then one every twelve seconds
_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
_TOKEN = 43  # of secrets.token_urlsafe(32)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, browsers send our own forms with the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser: its cookie, whose it is (None: nobody has signed in), and whether the cookie is still to be given to it."""

    token: str
    who: str | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Session:
    who: str
    until_s: float


def hasher() -> PasswordHasher:
    """argon2id with the parameters that OWASP's password storage page gives for small machines (19 MiB, two passes).

    Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
    """
    from argon2 import PasswordHasher  # noqa: PLC0415  only who signs in needs it

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def _host_of(origin: str) -> str:
    """Return the host that an ``Origin`` names; empty where it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


class Guard:
    """Decides about requests; safe to use from many threads."""

    def __init__(self, settings: WebSettings, port: int, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._secret = secrets.token_bytes(32)
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()
        self._lock = threading.Lock()
        self._tries, self._tried_at = float(_TRIES), clock.elapsed().seconds
        own = urlsplit(settings.url or f"http://{settings.listen}")
        self._hosts = {own.netloc.lower(), f"{own.hostname}:{port}"} | {f"{name}:{port}" for name in _LOCAL}
        self.cookie = "__Host-syncd" if settings.is_secure else "syncd"

    @property
    def has_password(self) -> bool:
        """Whether visitors must sign in."""
        return self._settings.password_hash is not None

    def knows_host(self, host: str) -> bool:
        """Whether the address in the browser is this page's own: another site's name that leads here must see nothing."""
        return host.lower() in self._hosts

    def visitor(self, cookies: Mapping[str, str]) -> Visitor:
        """Whose browser it is."""
        token = cookies.get(self.cookie, "")
        if len(token) != _TOKEN:
            return Visitor(secrets.token_urlsafe(32), None, is_new=True)
        return Visitor(token, self._who(token), is_new=False)

    def _who(self, token: str) -> str | None:
        with self._lock:
            session = self._sessions.get(_digest(token))
            if session is None or session.until_s < self._clock.elapsed().seconds:
                self._sessions.pop(_digest(token), None)
                return None
            return session.who

    def csrf(self, token: str) -> str:
        """Return what each of this browser's forms carries, and nobody else can know."""
        return hmac.new(self._secret, token.encode(), hashlib.sha256).hexdigest()

    def forged(self, token: str, sent: str, headers: Mapping[str, str], host: str) -> bool:
        """Whether a form was not sent by a page of ours."""
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return True
        origin = headers.get("origin")
        if origin is not None and _host_of(origin) != host.lower():
            return True
        return not hmac.compare_digest(self.csrf(token).encode(), sent.encode("utf-8", "replace"))

    def may_measure(self, authorization: str, host: str) -> bool:
        """Whether somebody may read the metrics: with the token, or, where none is set, under this machine's own names."""
        token = self._settings.metrics_token
        if token is not None:
            sent = authorization.removeprefix("Bearer ").encode("utf-8", "replace")
            return hmac.compare_digest(sent, token.get_secret_value().encode())
        return not self.has_password and self.knows_host(host)

    def sign_in(self, who: str, password: str) -> str | None:
        """Return a new cookie's value where the password is right; None where it is not, or where too many were tried."""
        kept = self._settings.password_hash
        if kept is None or not self._may_try():
            return None
        from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415  only who signs in needs it

        with self._lock:  # one at a time: each takes 19 MiB for a moment
            try:
                hasher().verify(kept.get_secret_value(), password)
            except (Argon2Error, InvalidHashError):
                return None
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_digest(token)] = _Session(who, self._clock.elapsed().seconds + _LASTS_S)
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return token

    def sign_out(self, token: str) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(_digest(token), None)

    def set_cookie(self, token: str) -> str:
        """Return the header that gives a browser its cookie."""
        secure = "; Secure" if self._settings.is_secure else ""
        return f"{self.cookie}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"

    def _may_try(self) -> bool:
        with self._lock:
            now = self._clock.elapsed().seconds
            self._tries = min(_TRIES, self._tries + (now - self._tried_at) / _TRIES_EACH_S)
            self._tried_at = now
            if self._tries < 1:
                return False
            self._tries -= 1
            return True


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
