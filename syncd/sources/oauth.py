"""Access tokens that expire and are renewed: kept in the source's own state, before they are used.

A refresh token may work once only (Clover, Lightspeed), so of two processes one renews and the other reads what it got.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field  # noqa: TID251  tokens hide themselves from their repr, so they are a dataclass
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
_LONGEST_S = 10 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token, the refresh token that gets the next one, and when the first ends (ISO 8601; empty where not reported)."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires: str = ""


Renewal = Callable[[str], Tokens]
"""A refresh token -> new tokens. Raises SourceError."""


class Grant(Protocol):
    """What a config says of an application's access."""

    @property
    def client_id(self) -> str:
        """The application's id."""
        ...

    @property
    def refresh_token(self) -> SecretStr | None:
        """The first refresh token; None where ``syncd connect`` gets it."""
        ...


def bearer(context: SourceContext, token: SecretStr | None, grant: Grant | None, renewal: Renewal) -> Auth:
    """Return a token that stays as it is, or tokens that renew themselves."""
    if token is not None:
        return StaticAuth({"Authorization": f"Bearer {token.get_secret_value()}"})
    assert grant is not None  # noqa: S101  the settings have checked that there is one of the two
    first = grant.refresh_token
    return OAuth(context, first.get_secret_value() if first is not None else None, renewal)


def tokens_of(said: object, vendor: str, before: str, expires: str) -> Tokens:
    """Return the tokens of an answer; ``before`` is the refresh token that stays where the answer has none.

    Raises:
        SourceRejected: it holds no access token.

    """
    access = said.get("access_token") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not access:
        raise SourceRejected(f"{vendor} answered without a token", 200)
    return Tokens(str(access), str(said.get("refresh_token") or before), expires)


def lives(said: object, clock: Clock) -> str:
    """Return when a token ends that lives for ``expires_in`` seconds, as ISO 8601; empty where the answer does not say it."""
    seconds = said.get("expires_in") if isinstance(said, Mapping) else None
    if not isinstance(seconds, int) or not 0 < seconds < _LONGEST_S:
        return ""
    return (clock.now() + timedelta(seconds=seconds)).isoformat()


def _bearer(tokens: Tokens) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {tokens.access}"}


Headers = Callable[[Tokens], Mapping[str, str]]
"""Tokens -> the headers that carry them."""


class OAuth:
    """Bearer tokens that renew themselves; safe to use from many threads."""

    def __init__(
        self, context: SourceContext, first: str | None, renewal: Renewal, made: Headers = _bearer, cure: str = ""
    ) -> None:
        """Make them of ``first``, the refresh token that the config names; another one there replaces whatever was kept.

        None: the config names none, and tokens come from ``syncd connect``, as new ones do where there is no other ``cure``.
        """
        self._cure = cure
        self._context, self._renewal, self._made = context, renewal, made
        self._first = first
        self._seed = blake2b((first or "").encode(), digest_size=8).hexdigest()
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
            return self._made(tokens)

    def keep(self, tokens: Tokens) -> None:
        """Keep the tokens that the owner's consent is worth; they replace those that were there."""
        with self._lock:
            _hidden(tokens)
            self._text = self._written(tokens)
            self._context.state.put(_STATE, self._text)
            self._tokens = tokens

    def _written(self, tokens: Tokens) -> str:
        return json.dumps({**asdict(tokens), "seed": self._seed})

    def renew(self, used: Mapping[str, str]) -> bool:
        """Get new tokens, for the API did not take ``used``, unless somebody has done so meanwhile."""
        with self._lock:
            kept = self._kept()
            if kept is None or self._made(kept) == used:
                kept = self._renew(kept)
            self._tokens = kept
            return self._made(kept) != used

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
        text, refresh = self._text, before.refresh if before else self._first
        cure = self._cure or f"Give syncd access again: syncd connect {self._context.configured}"
        if refresh is None:
            raise SourceAccessDenied("syncd was not given access to this account yet", cure.replace(" again", ""))
        try:
            new = self._renewal(refresh)
        except (SourceRejected, SourceAccessDenied) as refused:
            other = self._kept()
            if other is not None and self._text != text and other.access:
                return other  # another process has used the refresh token, and has kept what it got
            raise SourceAccessDenied(f"the tokens could not be renewed: {refused.what}", cure) from None
        _hidden(new)
        kept = self._written(new)
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


def _ends_soon(tokens: Tokens, clock: Clock) -> bool:
    if not tokens.expires:
        return False
    try:
        return datetime.fromisoformat(tokens.expires) <= clock.now() + _EARLY
    except ValueError:
        return False
