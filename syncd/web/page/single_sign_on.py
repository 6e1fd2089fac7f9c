"""Single sign-on by OpenID Connect: the authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

Whoever the provider vouches for signs in as the account of that name, if ``syncd users add NAME --no-password`` has made one: the
provider says who somebody is, and never what they may do.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import requests
from msgspec import Struct

from syncd.clock import Clock
from syncd.errors import SyncdError
from syncd.logs import get_logger
from syncd.settings import OidcSettings

BACK = "/login/sso/back"
"""The path to which the provider sends a browser back: ``redirect_uri`` there is the page's address with it."""
_DISCOVERY = "/.well-known/openid-configuration"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_TIMEOUT_S, _LEEWAY_S, _LASTS_S, _KNOWN_S = 10.0, 60, 600.0, 3600.0
_MOST = 1_000
_MOST_BYTES = 1_000_000


class SignOnError(SyncdError):
    """Somebody could not sign in by single sign-on: why, and what to do."""


class _Pending(Struct, frozen=True):
    """A browser that was sent to the provider: which one, with which secrets, and where it wanted to go."""

    browser: str
    nonce: str
    verifier: str
    to: str
    at_s: float


class _Provider(Struct, frozen=True):
    """What a provider says of itself, and its keys."""

    authorization: str
    token: str
    keys: Mapping[str, Any]
    at_s: float


class SingleSignOn:
    """Sends browsers to the provider and takes them back; safe to use from many threads."""

    def __init__(self, settings: OidcSettings, own_address: str, clock: Clock) -> None:
        """Take the page's own address as browsers know it, without a path."""
        self._settings, self._clock = settings, clock
        self.redirect_uri = own_address.rstrip("/") + BACK
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._known: _Provider | None = None
        self._lock = threading.Lock()

    def begin(self, browser: str, to: str) -> str:
        """Return the provider's address at which a browser (by its cookie) proves who it is.

        Raises:
            SignOnError: the provider cannot be reached.

        """
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        with self._session() as session:
            address, _ = session.create_authorization_url(
                self._provider().authorization, state=state, nonce=nonce, code_verifier=verifier
            )
        now = self._clock.elapsed().seconds
        with self._lock:
            self._pending[state] = _Pending(browser, nonce, verifier, to, now)
            while len(self._pending) > _MOST or now - next(iter(self._pending.values())).at_s > _LASTS_S:
                self._pending.popitem(last=False)
        return str(address)

    def finish(self, browser: str, query: Mapping[str, str]) -> tuple[str, str]:
        """Return the name of the account that a browser came back for, in lower case, and where it wanted to go.

        Raises:
            SignOnError: the provider did not vouch for anybody, this browser never left for it, or it cannot be reached.

        """
        with self._lock:
            pending = self._pending.pop(query.get("state", ""), None)
        again = "Try again from the page that signs in."
        if pending is None or not secrets.compare_digest(pending.browser, browser):
            raise SignOnError("this browser did not ask to sign in, or waited for too long", again)
        if self._clock.elapsed().seconds - pending.at_s > _LASTS_S:
            raise SignOnError("it took too long to sign in", again)
        if "code" not in query:
            why = query.get("error_description") or query.get("error") or "it gave no code"
            raise SignOnError(f"{self._settings.label} refused: {why[:200]}", again)
        claims = self._claims(self._id_token(query["code"], pending), pending.nonce)
        return self._name(claims), pending.to

    def _session(self) -> Any:  # noqa: ANN401  authlib's session, whose types are none of ours
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415  only single sign-on needs it

        return OAuth2Session(
            self._settings.client_id,
            self._settings.client_secret.get_secret_value(),
            scope=" ".join(self._settings.scopes),
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )

    def _id_token(self, code: str, pending: _Pending) -> str:
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415  as above

        try:
            with self._session() as session:
                answer = session.fetch_token(
                    self._provider().token,
                    code=code,
                    code_verifier=pending.verifier,
                    timeout=_TIMEOUT_S,
                    allow_redirects=False,
                )
        except (AuthlibBaseError, requests.RequestException, ValueError) as error:
            raise self._broken("gave no token for the code", error) from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignOnError(f"{self._settings.label} gave no ID token", "Add openid to scopes in [web.oidc].")
        return token

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        """Check an ID token (OpenID Connect Core, 3.1.3.7); a key that is not known is asked for once."""
        from joserfc import jwt  # noqa: PLC0415  as above
        from joserfc.errors import JoseError  # noqa: PLC0415  as above
        from joserfc.jwk import KeySet  # noqa: PLC0415  as above

        now = int(self._clock.now().timestamp())
        asked = jwt.JWTClaimsRegistry(
            now=now,
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        for fresh in (False, True):
            try:
                keys = KeySet.import_key_set(dict(self._provider(fresh=fresh).keys))  # type: ignore[arg-type]  # JSON of theirs
                decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
                asked.validate(decoded.claims)
            except (JoseError, ValueError, KeyError, TypeError) as error:
                if fresh:
                    raise self._broken("sent a token that does not hold", error) from None
            else:
                claims: Mapping[str, Any] = decoded.claims
                if claims.get("azp") in (None, self._settings.client_id):
                    return claims
                raise SignOnError(
                    f"{self._settings.label} sent a token for somebody else", "Check client_id in [web.oidc]."
                )
        raise AssertionError("each turn returns or raises")

    def _name(self, claims: Mapping[str, Any]) -> str:
        claim = self._settings.claim
        name = claims.get(claim)
        if not isinstance(name, str) or not name.strip():
            cure = "Name another claim in [web.oidc], or add the scope that brings it."
            raise SignOnError(f"{self._settings.label} does not say the {claim} of whoever signed in", cure)
        if claim == "email" and claims.get("email_verified") not in (True, "true"):
            cure = "Have the address verified there, or name another claim in [web.oidc]."
            raise SignOnError(f"{self._settings.label} has not verified that e-mail address", cure)
        return name.strip().casefold()

    def _provider(self, *, fresh: bool = False) -> _Provider:
        """Return what the provider says of itself, as of the last hour (OpenID Connect Discovery 1.0)."""
        known, now = self._known, self._clock.elapsed().seconds
        if known is not None and not fresh and now - known.at_s < _KNOWN_S:
            return known
        said = self._read(self._settings.issuer.rstrip("/") + _DISCOVERY)
        if said.get("issuer") != self._settings.issuer:
            cure = f'Write issuer = "{said.get("issuer")}" in [web.oidc], if that is your provider.'
            raise SignOnError(f"{self._settings.label} calls itself by another name", cure)
        found = _Provider(
            str(said.get("authorization_endpoint")),
            str(said.get("token_endpoint")),
            self._read(str(said.get("jwks_uri"))),
            now,
        )
        self._known = found
        return found

    def _read(self, address: str) -> dict[str, Any]:
        try:
            with requests.get(address, timeout=_TIMEOUT_S, allow_redirects=False, stream=True) as answer:
                answer.raise_for_status()
                found = json.loads(answer.raw.read(_MOST_BYTES, decode_content=True))
        except (requests.RequestException, ValueError, OSError) as error:
            raise self._broken("cannot be asked", error) from None
        if not isinstance(found, dict):
            raise SignOnError(
                f"{self._settings.label} answers with no object at {address}", "Check issuer in [web.oidc]."
            )
        return found

    def _broken(self, what: str, error: Exception) -> SignOnError:
        """Log what went wrong; whoever signs in is told no more than that."""
        get_logger().warning("single_sign_on_failed", what=what, why=type(error).__name__, error=str(error)[:200])
        return SignOnError(f"{self._settings.label} {what}", "Try again; the log says more.")
