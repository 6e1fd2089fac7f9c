"""Access to an account: a token of its own, or an application's tokens, which its owner consents to and which renew themselves.

Source: RFC 6749, sections 4.1 (the code grant), 4.4 (client credentials) and 6 (renewal).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field
from pydantic import SecretStr

from syncd.clock import Clock
from syncd.sources.consent import Consent, Granted, of_this_account
from syncd.sources.context import SourceContext
from syncd.sources.http import ApiProfile, HttpClient
from syncd.sources.oauth import Grant, OAuth, Tokens, bearer, lives, tokens_of


class OAuthApi(Struct, frozen=True):
    """Where and how an API gives tokens to an application.

    ``page`` is where the owner signs in; ``exchange`` and ``renew`` are the paths that turn a code, or a refresh token, into
    tokens. ``form``: they take a form, else JSON; ``bare``: they name neither the grant nor the redirect. ``account`` is the name
    in the answer under which the account is, and its id in the config. ``expires`` reads when a token ends, as ISO 8601.
    """

    vendor: str
    page: str
    exchange: str
    renew: str
    form: bool = False
    bare: bool = False
    pkce: bool = False
    scopes: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    account: tuple[str, str] = ("", "")
    expires: Callable[[Mapping[str, object], Clock], str] = lives


class Access:
    """The tokens of one account, and the client that carries them."""

    def __init__(
        self,
        context: SourceContext,
        base: str,
        profile: ApiProfile,
        keys: tuple[SecretStr | None, Grant | None],
        api: OAuthApi,
    ) -> None:
        token, self._app = keys
        self._context, self._api = context, api
        self._auth = bearer(context, token, self._app, self._renewed)
        self.http: HttpClient = context.http(base, self._auth, profile)

    def consent(self) -> Consent | None:
        """Return how the owner gives access; None where the config has a token of the account's own."""
        if self._app is None or not isinstance(self._auth, OAuth):
            return None
        api = self._api
        owner = (api.vendor, api.page, self._app.client_id)
        return Consent(*owner, self._exchanged, self._auth.keep, api.scopes, api.params, api.pkce)

    def _renewed(self, refresh: str) -> Tokens:
        grant = {} if self._api.bare else {"grant_type": "refresh_token"}
        return self._tokens(self._api.renew, {**grant, "refresh_token": refresh}, refresh)

    def _exchanged(self, granted: Granted) -> Tokens:
        """Return what the owner's consent is worth.

        Raises:
            UsageError: the owner signed in to another account.
            SourceError: the API gave no tokens.

        """
        of_this_account(self._api.vendor, granted.said, *self._api.account)
        grant = {} if self._api.bare else {"grant_type": "authorization_code", "redirect_uri": granted.redirect}
        proof = {"code_verifier": granted.verifier} if self._api.pkce else {}
        return self._tokens(self._api.exchange, {**grant, "code": granted.code, **proof}, "")

    def _tokens(self, path: str, fields: Mapping[str, str], before: str) -> Tokens:
        app = self._app
        assert app is not None  # noqa: S101  nobody renews a token of the account's own
        secret: SecretStr | None = getattr(app, "client_secret", None)
        named = {
            "client_id": app.client_id,
            **({"client_secret": secret.get_secret_value()} if secret else {}),
            **fields,
        }
        said = self.http.form(path, named) if self._api.form else self.http.once(path, named)
        expires = self._api.expires(said, self._context.clock) if isinstance(said, Mapping) else ""
        return tokens_of(said, self._api.vendor, before, expires)
