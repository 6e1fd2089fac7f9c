"""The parts of the config that belong to no room below: the ledger's place, the log, the daemon's rhythm, what it serves."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import time, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    PlainValidator,
    SecretStr,
    WithJsonSchema,
    field_validator,
)

from syncd import logs
from syncd.durations import Duration
from syncd.errors import ConfigProblem
from syncd.sale.outgoing import EventKind
from syncd.secret import SECRET_SCHEMA, Check, Secret, Token, secret_of

LISTEN = r"^\[?[0-9A-Za-z.:-]+\]?:\d{1,5}$"
_LAST_PORT = 65_535
_SHORTEST_KEY, _LONGEST_KEY = 24, 64
_LOCAL = ("localhost", "127.0.0.1", "::1")


def _kept(value: object, check: Check = str) -> SecretStr:
    """In clear or as a secret: a database's URL may hold a password, and a password's hash is nobody's business."""
    return SecretStr(check(value)) if isinstance(value, str) else secret_of(value, check)


def _is_hash(value: str) -> str:
    if not value.startswith("$argon2"):
        msg = "must be a hash that syncd web password makes"
        raise ValueError(msg)
    return value


def _hash(value: object) -> SecretStr:
    return _kept(value, _is_hash)


CLEAR_OR_SECRET = WithJsonSchema({"anyOf": [{"type": "string"}, SECRET_SCHEMA.json_schema]})
"""How the schema of the config describes a value that may be written in clear."""


class LedgerSettings(BaseModel):
    """``[ledger]``: where the ledger is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[SecretStr, PlainValidator(_kept), CLEAR_OR_SECRET] = SecretStr("sqlite:///ledger.db")
    keep_documents: Duration | None = None
    keep_history: Duration = timedelta(days=400)


class LogSettings(BaseModel):
    """``[log]``: how syncd speaks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: logs.LogFormat = "auto"
    level: logs.LogLevel = "info"


class ServiceSettings(BaseModel):
    """``[service]``: the daemon's own rhythm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    push_every: Duration = timedelta(seconds=1)
    housekeep_every: Duration = timedelta(hours=1)
    healthy_within: Duration = timedelta(minutes=10)
    stuck_after: Duration = timedelta(minutes=15)


class _Listening(BaseModel):
    """Something that the daemon serves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: Annotated[str, Field(pattern=LISTEN)]

    @field_validator("listen")
    @classmethod
    def _can_be_listened_on(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        bare = host.strip("[]")
        if int(port) > _LAST_PORT:
            msg = f"must have a port up to {_LAST_PORT}"
            raise ValueError(msg)
        if ":" in bare or bare.replace(".", "").isdigit():
            try:
                ip_address(bare)
            except ValueError:
                msg = 'must be an address and a port, such as "127.0.0.1:8787" or "[::1]:8787"'
                raise ValueError(msg) from None
        return listen

    @property
    def host(self) -> str:
        """The address."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port; 0 for any that is free."""
        return int(self.listen.rpartition(":")[2])


class IntakeSettings(_Listening):
    """``[intake]``: where the daemon takes webhooks, if any source does; from elsewhere through a proxy that speaks TLS."""

    listen: Annotated[str, Field(pattern=LISTEN)] = "127.0.0.1:8787"


def _clock_time(value: object) -> object:
    """``"08:00"``, or an empty text for never."""
    if value in ("", None):
        return None
    if isinstance(value, str) and (match := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value)):
        return time(int(match[1]), int(match[2]))
    msg = 'must be a time of day such as "08:00", or "" for none'
    raise ValueError(msg)


class AlertSettings(BaseModel):
    """``[alerts]``: who is told of what. Addresses are apprise's; each holds a token, so each is a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: tuple[Secret, ...] = ()
    heartbeat: Secret | None = None
    digest: Annotated[time | None, BeforeValidator(_clock_time)] = time(8)
    paused_after: Duration = timedelta(minutes=5)
    held_after: Duration = timedelta(minutes=15)
    late_after: Duration = timedelta(minutes=15)
    low_disk_mb: Annotated[int, Field(ge=0)] = 500


def _event_address(value: object) -> SecretStr:
    return _kept(value, _is_event_address)


def _is_event_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    except ValueError:
        plain = False
    if not plain:
        msg = 'must be an address such as "https://example.com/hooks/syncd", without a user or a password in it'
        raise ValueError(msg)
    return url


def _signing_secret(value: object) -> SecretStr:
    return secret_of(value, _is_signing_secret)


def _is_signing_secret(value: str) -> str:
    """Return a secret as Standard Webhooks say: ``whsec_`` and 24 to 64 bytes in base64.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    try:
        key = base64.b64decode(value.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not value.startswith("whsec_") or not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        msg = "must be whsec_ and 24 to 64 random bytes in base64: syncd events secret makes one"
        raise ValueError(msg)
    return value


class EventSettings(BaseModel):
    """``[events]``: the address that hears of orders, sales and stores, as webhooks that are signed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[SecretStr, PlainValidator(_event_address), CLEAR_OR_SECRET] | None = None
    secret: Annotated[SecretStr, PlainValidator(_signing_secret), SECRET_SCHEMA] | None = None
    kinds: Annotated[tuple[EventKind, ...], Field(min_length=1)] = tuple(EventKind)
    ca_file: Path | None = None

    @property
    def wanted(self) -> frozenset[EventKind]:
        """The kinds of events that are sent; none without an address."""
        return frozenset(self.kinds if self.url is not None else ())

    def problems(self) -> Iterator[ConfigProblem]:
        """Yield what must not be, taken together."""
        if (self.url is None) != (self.secret is None):
            yield ConfigProblem("events.secret", "", "and url go together: receivers check by it who sends")


def _with_host(url: str) -> str:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        msg = 'must be an address such as "https://syncd.example.com"'
        raise ValueError(msg)
    return url


def _locale(name: object) -> str:
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  half a tenth of a second that most commands need not wait

    try:
        return str(Locale.parse(str(name), sep="-" if "-" in str(name) else "_"))
    except (ValueError, UnknownLocaleError):
        msg = 'must be a language and a country, such as "en_GB" or "de-CH"'
        raise ValueError(msg) from None


class UiSettings(BaseModel):
    """``[ui]``: how the page writes amounts and numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: Annotated[str, BeforeValidator(_locale)] = "en"


class OidcSettings(BaseModel):
    """``[web.oidc]``: single sign-on by OpenID Connect. Who may sign in, and as what, is said by ``syncd users``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str, Field(pattern=r"^https?://"), AfterValidator(_with_host)]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Secret
    claim: Annotated[str, Field(min_length=1)] = "email"
    scopes: tuple[str, ...] = ("openid", "email")
    label: Annotated[str, Field(min_length=1, max_length=60)] = "single sign-on"


class WebSettings(_Listening):
    """``[web]``: the page. This machine alone sees it, unless it has a password and speaks TLS, itself or through a proxy."""

    enabled: bool = True
    listen: Annotated[str, Field(pattern=LISTEN)] = "127.0.0.1:8788"
    url: Annotated[str, Field(pattern=r"^https?://"), AfterValidator(_with_host)] | None = None
    password_hash: Annotated[SecretStr, PlainValidator(_hash), CLEAR_OR_SECRET] | None = None
    certificate: Path | None = None
    key: Path | None = None
    read_only: bool = False
    proxies: tuple[IPvAnyNetwork, ...] = ()
    metrics_token: Token | None = None
    oidc: OidcSettings | None = None

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it; a container's port too, that is published to its host alone."""
        if urlsplit(self.url or "").hostname in _LOCAL:
            return True
        return self.host in _LOCAL or (self.host[:1].isdigit() and ip_address(self.host).is_loopback)

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return self.certificate is not None or (self.url or "").startswith("https://")

    def problems(self) -> Iterator[ConfigProblem]:
        """Yield what must not be, taken together."""
        if not self.enabled:
            return
        if (self.certificate is None) != (self.key is None):
            yield ConfigProblem("web.key", "", "and certificate go together: give both, or neither")
        if not self.is_local and not self.is_secure:
            words = "must be the https:// address that browsers use, or give certificate and key: a password needs TLS"
            yield ConfigProblem("web.url", repr(self.url) if self.url else "", words)
        if self.oidc is not None:
            issuer = urlsplit(self.oidc.issuer)
            if issuer.scheme != "https" and issuer.hostname not in _LOCAL:
                yield ConfigProblem("web.oidc.issuer", repr(self.oidc.issuer), "must be an https:// address")
