"""What holds for every request: under which names the page is served, what browsers may load, and which forms are its own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from syncd.settings import WebSettings

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


def new_token() -> str:
    """Return a secret that nobody can guess, for a cookie."""
    return secrets.token_urlsafe(32)


def new_api_token() -> str:
    """Return a secret for a program; its beginning lets those who scan for leaked secrets know it."""
    return f"syncd_{secrets.token_urlsafe(32)}"


def digest_of(token: str) -> str:
    """Return what the ledger keeps of a cookie or a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _host_of(origin: str) -> str:
    """Return the host that an ``Origin`` names; empty where it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


class Guard:
    """Decides about requests by what the config says; safe to use from many threads."""

    def __init__(self, settings: WebSettings, port: int) -> None:
        self._settings = settings
        own = urlsplit(settings.url or f"http://{settings.listen}")
        self._hosts = {own.netloc.lower(), f"{own.hostname}:{port}"} | {f"{name}:{port}" for name in _LOCAL}
        self.cookie = "__Host-syncd" if settings.is_secure else "syncd"

    def knows_host(self, host: str) -> bool:
        """Whether the address in the browser is this page's own: another site's name that leads here must see nothing."""
        return host.lower() in self._hosts

    def token_in(self, cookies: Mapping[str, str]) -> str | None:
        """Return a browser's cookie; None where it has none of ours."""
        token = cookies.get(self.cookie, "")
        return token if len(token) == _TOKEN and token.isascii() else None

    @staticmethod
    def csrf(token: str) -> str:
        """Return what each of this browser's forms carries; it can be known to nobody without the cookie."""
        return hashlib.sha256(f"form {token}".encode()).hexdigest()

    def forged(self, token: str, sent: str, headers: Mapping[str, str], host: str) -> bool:
        """Whether a form was not sent by a page of ours."""
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return True
        origin = headers.get("origin")
        if origin is not None and _host_of(origin) != host.lower():
            return True
        return not hmac.compare_digest(self.csrf(token).encode(), sent.encode("utf-8", "replace"))

    def may_measure(self, authorization: str, host: str, *, signs_in: bool) -> bool:
        """Whether somebody may read the metrics: with the token, or, where none is set, under this machine's own names."""
        token = self._settings.metrics_token
        if token is not None:
            sent = authorization.removeprefix("Bearer ").encode("utf-8", "replace")
            return hmac.compare_digest(sent, token.get_secret_value().encode())
        return not signs_in and self.knows_host(host)

    def set_cookie(self, token: str) -> str:
        """Return the header that gives a browser its cookie."""
        secure = "; Secure" if self._settings.is_secure else ""
        return f"{self.cookie}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"
