"""The first access to a POS account: its owner signs in on the POS's own page, and a code comes back that is worth tokens.

Source: RFC 6749, section 4.1 (the code grant), and RFC 7636 (PKCE).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from syncd.errors import UsageError
from syncd.sources.oauth import Tokens

_STATE, _VERIFIER = 24, 48  # bytes of randomness; a verifier has 43 to 128 characters


@dataclass(frozen=True, slots=True)
class Granted:
    """What came back from the POS's page: the code, and what its exchange takes besides."""

    code: str = field(repr=False)
    redirect: str
    verifier: str = field(repr=False)
    said: Mapping[str, str] = field(repr=False)


class Consent(Struct, frozen=True):
    """How the owner of a POS account gives an application access.

    ``page`` is where the owner signs in; ``exchange`` turns what came back into tokens (raises SourceError or UsageError), and
    ``keep`` keeps them where the source finds them. ``pkce``: a verifier takes the place of a client secret.
    """

    vendor: str
    page: str
    client_id: str
    exchange: Callable[[Granted], Tokens]
    keep: Callable[[Tokens], None]
    scopes: tuple[str, ...] = ()
    params: Mapping[str, str] = {}
    pkce: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One try to get consent: the address to open, and what must come back with its answer."""

    consent: Consent
    redirect: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def of(cls, consent: Consent, redirect: str) -> Request:
        """Return a new request, whose answer comes to ``redirect``."""
        return cls(consent, redirect, token_urlsafe(_STATE), token_urlsafe(_VERIFIER))

    @property
    def url(self) -> str:
        """The address that the owner opens."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415  only who connects needs it

        consent = self.consent
        more = dict(consent.params)
        if consent.pkce:
            more |= {"code_challenge": _challenge(self.verifier), "code_challenge_method": "S256"}
        return str(
            prepare_grant_uri(
                consent.page, consent.client_id, "code", self.redirect, " ".join(consent.scopes), self.state, **more
            )
        )

    def granted(self, answer: str) -> Granted:
        """Return what an answer grants: the address to which the POS sent the browser, or the code alone.

        Raises:
            UsageError: it grants nothing, or answers another request.

        """
        text = answer.strip()
        if "=" not in text and "/" not in text and text:
            return Granted(text, self.redirect, self.verifier, {})
        said = dict(parse_qsl(_query(text)))
        vendor = self.consent.vendor
        if said.get("error"):
            why = said.get("error_description") or said["error"]
            raise UsageError(f"{vendor} gave no access: {why[:200]}", "Try again, and press Allow on its page.")
        if not said.get("code"):
            raise UsageError("that holds no code", "Copy the whole address of the page on which you ended.")
        if said.get("state", self.state) != self.state:
            raise UsageError("that answers another request", "Open the address that is shown above, and try again.")
        return Granted(said["code"], self.redirect, self.verifier, said)

    def finish(self, answer: str) -> None:
        """Turn an answer into tokens, and keep them.

        Raises:
            UsageError: it grants nothing, or it is another account's.
            SourceError: the POS gave no tokens for it.

        """
        self.consent.keep(self.consent.exchange(self.granted(answer)))


def _query(text: str) -> str:
    try:
        return urlsplit(text).query or text.lstrip("?")
    except ValueError:  # a host that is none
        return text.partition("?")[2]


def _challenge(verifier: str) -> str:
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415  only who connects needs it

    return str(create_s256_code_challenge(verifier))


def of_this_account(vendor: str, said: Mapping[str, str], name: str, wanted: str) -> None:
    """Check that the owner signed in to the account that the config names.

    Raises:
        UsageError: it is another one.

    """
    found = said.get(name, wanted)
    if wanted and found != wanted:
        raise UsageError(
            f"that is the {vendor} account {found}, and the config names {wanted}",
            f"Sign in to {wanted}, or correct the config.",
        )
