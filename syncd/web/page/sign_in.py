"""Who a visitor is: accounts with a password, and sessions that the ledger keeps, so that a restart signs nobody out.

``admin`` is the account of ``[web] password_hash``; all others are the ledger's (``syncd users``). Where there is neither, a page
that this machine alone can reach is open to whoever sits at it.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from syncd.clock import Clock
from syncd.ledger import Account, Ledger, SessionRow
from syncd.logs import get_logger
from syncd.roles import Role
from syncd.settings import WebSettings
from syncd.web.page.context import TimedCache
from syncd.web.page.passwords import verify
from syncd.web.page.security import digest_of, new_token
from syncd.web.page.throttle import Throttle

CONFIG_ACCOUNT = "admin"
"""The account whose password stands in the config."""
_LASTS = timedelta(hours=12)
_MOMENT = timedelta(seconds=2)
_PROOF, _MOST_NAME = 16, 80


class Visitor(Struct, frozen=True):
    """A browser: its cookie, whose it is (None: nobody has signed in), what they may do; ``is_new``: it is given the cookie now."""

    token: str
    who: str | None
    role: Role | None
    is_new: bool = False


class Authenticator:
    """Signs browsers in and out; safe to use from many threads. Every method may raise ``LedgerError``."""

    def __init__(self, settings: WebSettings, ledger: Ledger, clock: Clock) -> None:
        self._settings, self._accounts, self._clock = settings, ledger.accounts, clock
        self._throttle = Throttle(clock)
        self._kept = TimedCache(clock)

    @property
    def is_required(self) -> bool:
        """Whether visitors must sign in: where there is any account, or the page can be reached from elsewhere."""
        if self._settings.password_hash is not None or not self._settings.is_local:
            return True
        return self._kept.get("any", _MOMENT, self._accounts.any)

    def visitor(self, token: str | None) -> Visitor:
        """Return whose browser it is."""
        if not self.is_required:
            return Visitor(token or new_token(), None, Role.ADMIN, is_new=token is None)
        session = self._accounts.session(digest_of(token)) if token is not None else None
        account = self._account(session.name) if session is not None else None
        if session is None or account is None or session.proof != _proof(account):
            return Visitor(token or new_token(), None, None, is_new=token is None)
        return Visitor(token or "", account.name, account.role)

    def _account(self, name: str) -> Account | None:
        kept = self._settings.password_hash
        if kept is not None and name == CONFIG_ACCOUNT:
            now = self._clock.now()
            return Account(CONFIG_ACCOUNT, Role.ADMIN, kept.get_secret_value(), now, now)
        return self._accounts.get(name)

    def sign_in(self, name: str, password: str, address: str) -> Visitor | None:
        """Sign a browser in under a new cookie; None where name or password is wrong, or too many were tried from there."""
        may_try = self._throttle.may_try(address)
        account = self._account(name.strip().casefold()) if may_try else None
        if may_try and verify(account.password_hash if account is not None else None, password) and account is not None:
            return self.begin(account)
        if tries := self._throttle.failed(address):
            get_logger().warning("sign_in_refused", who=name[:_MOST_NAME], address=address, tries=tries)
        return None

    def sign_on(self, name: str) -> Visitor | None:
        """Begin the session of whom single sign-on vouches for; None where no account of that name signs in that way."""
        account = self._accounts.get(name)
        if account is not None and account.password_hash is None:
            return self.begin(account)
        get_logger().warning("sign_on_refused", who=name[:_MOST_NAME])
        return None

    def begin(self, account: Account) -> Visitor:
        """Begin the session of an account that has proven itself."""
        token = new_token()
        session = SessionRow(account.name, _proof(account), self._clock.now() + _LASTS)
        self._accounts.begin_session(digest_of(token), session)
        get_logger().info("signed_in", who=account.name, role=account.role.value)
        return Visitor(token, account.name, account.role, is_new=True)

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._accounts.end_session(digest_of(token))


def _proof(account: Account) -> str:
    """Name the password that an account has now: with another one, older sessions are over."""
    return digest_of(account.password_hash or f"single sign-on {account.name}")[:_PROOF]
