"""Access tokens that expire and are renewed: kept in the source's own state, before they are used.

A refresh token may work once only (Clover, Lightspeed), so of two processes one renews and the other reads what it got.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Protocol

from pydantic import SecretStr

from syncd import logs
from syncd.clock import Clock
from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceAccessDenied, SourceRejected
from syncd.sources.http import Auth, StaticAuth

_STATE = "oauth"
_EARLY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token, the refresh token that gets the next one, and when the first ends (ISO 8601; empty where not reported)."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires: str = ""


Renewal = Callable[[str], Tokens]
"""A refresh token -> new tokens. Raises SourceError."""


class Grant(Protocol):
    """What a config says of an application's access: above all the refresh token to begin with."""

    @property
    def refresh_token(self) -> SecretStr:
        """The first refresh token."""
        ...


def bearer(context: SourceContext, token: SecretStr | None, grant: Grant | None, how: tuple[Renewal, str]) -> Auth:
    """Return a token that stays as it is, or tokens that renew themselves.

    ``how`` is their renewal, and the cure where it fails.
    """
    if token is not None:
        return StaticAuth({"Authorization": f"Bearer {token.get_secret_value()}"})
    assert grant is not None  # noqa: S101  the settings have checked that there is one of the two
    return OAuth(context, grant.refresh_token.get_secret_value(), *how)


class OAuth:
    """Bearer tokens that renew themselves; safe to use from many threads."""

    def __init__(self, context: SourceContext, first: str, renewal: Renewal, cure: str) -> None:
        """``first`` is the refresh token that the config names; another one there replaces whatever was kept."""
        self._context, self._renewal, self._cure = context, renewal, cure
        self._first = first
        self._seed = blake2b(first.encode(), digest_size=8).hexdigest()
        self._lock = threading.Lock()
        self._text: str | None = None
        self._tokens: Tokens | None = None

    def headers(self) -> Mapping[str, str]:
        """Return ``Authorization: Bearer``, with a token that is good for some minutes yet.

        Raises:
            Denied: the refresh token is used up or revoked.
            SourceError: the API could not be asked for a token.

        """
        with self._lock:
            tokens = self._tokens or self._kept()
            if tokens is None or not tokens.access or _ends_soon(tokens, self._context.clock):
                tokens = self._renew(tokens)
            self._tokens = tokens
            return _bearer(tokens)

    def renew(self, used: Mapping[str, str]) -> bool:
        """Get new tokens, for the API did not take ``used``, unless somebody has done so meanwhile."""
        with self._lock:
            kept = self._kept()
            if kept is None or _bearer(kept) == used:
                kept = self._renew(kept)
            self._tokens = kept
            return _bearer(kept) != used

    def _kept(self) -> Tokens | None:
        self._text = self._context.state.get(_STATE)
        found = _read(self._text)
        if found is None or found.pop("seed", None) != self._seed:
            return None
        try:
            return _hidden(Tokens(**found))
        except TypeError:
            return None

    def _renew(self, before: Tokens | None) -> Tokens:
        text = self._text
        try:
            new = self._renewal(before.refresh if before else self._first)
        except (SourceRejected, SourceAccessDenied) as refused:
            other = self._kept()
            if other is not None and self._text != text and other.access:
                return other  # another process has used the refresh token, and has kept what it got
            raise SourceAccessDenied(f"the tokens could not be renewed: {refused.what}", self._cure) from None
        _hidden(new)
        kept = json.dumps({**asdict(new), "seed": self._seed})
        if self._context.state.swap(_STATE, text, kept):
            self._text = kept
            return new
        return self._kept() or new


def _read(text: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _hidden(tokens: Tokens) -> Tokens:
    logs.hide(tokens.access, tokens.refresh)
    return tokens


def _bearer(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.access}"}


def _ends_soon(tokens: Tokens, clock: Clock) -> bool:
    if not tokens.expires:
        return False
    try:
        return datetime.fromisoformat(tokens.expires) <= clock.now() + _EARLY
    except ValueError:
        return False
