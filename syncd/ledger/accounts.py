"""Accounts of the page, their sessions, and the tokens of programs. No password and no token is kept: only what proves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from syncd.ledger.rows import from_micros, to_micros
from syncd.ledger.schema import accounts, api_tokens, sessions
from syncd.ledger.transactions import Repository, reads, writes
from syncd.roles import Role, Scope


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who signs in; without a password, by single sign-on alone."""

    name: str
    role: Role
    password_hash: str | None = field(repr=False)
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser that has signed in: as whom, until when; ``proof`` names the password that it signed in with."""

    name: str
    proof: str = field(repr=False)
    until: datetime


class ApiToken(Struct, frozen=True):
    """A program's token: what it may read, who made it, when it was used last and until when it counts (None: for ever)."""

    name: str
    scopes: frozenset[Scope]
    created_by: str
    created_at: datetime
    used_at: datetime | None = None
    until: datetime | None = None


class AccountRepository(Repository):
    """Accounts, sessions and tokens. Digests are of secrets that nobody can guess, so that they need no salt."""

    @reads
    def all(self, connection: Connection) -> list[Account]:
        """Return every account, by name."""
        return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]

    @reads
    def any(self, connection: Connection) -> bool:
        """Whether there is any account."""
        return bool(connection.execute(select(exists(select(accounts.c.name)))).scalar())

    @reads
    def get(self, connection: Connection, name: str) -> Account | None:
        """Return an account; None where there is none of that name."""
        row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
        return _account(row) if row is not None else None

    @writes
    def add(self, connection: Connection, name: str, role: Role, password_hash: str | None) -> bool:
        """Add an account; False where there is one of that name."""
        now = to_micros(self.database.clock.now())
        row = {"name": name, "role": role.value, "password_hash": password_hash, "created_at": now, "changed_at": now}
        try:
            with connection.begin_nested():
                connection.execute(insert(accounts).values(row))
        except IntegrityError:
            return False
        return True

    @writes
    def change(
        self, connection: Connection, name: str, *, role: Role | None = None, password_hash: str | None = None
    ) -> bool:
        """Give an account another role or password, and end its sessions; False where there is none of that name."""
        values: dict[str, object] = {"changed_at": to_micros(self.database.clock.now())}
        values |= {"role": role.value} if role is not None else {}
        values |= {"password_hash": password_hash} if password_hash is not None else {}
        connection.execute(delete(sessions).where(sessions.c.name == name))
        return bool(connection.execute(update(accounts).where(accounts.c.name == name).values(**values)).rowcount)

    @writes
    def remove(self, connection: Connection, name: str) -> bool:
        """Remove an account with its sessions; False where there is none of that name."""
        connection.execute(delete(sessions).where(sessions.c.name == name))
        return bool(connection.execute(delete(accounts).where(accounts.c.name == name)).rowcount)

    @writes
    def begin_session(self, connection: Connection, digest: str, session: SessionRow) -> None:
        """Keep that a browser has signed in."""
        row = {"digest": digest, "name": session.name, "proof": session.proof, "until": to_micros(session.until)}
        connection.execute(insert(sessions).values(row))

    @reads
    def session(self, connection: Connection, digest: str) -> SessionRow | None:
        """Return a session that has not ended; None where there is none."""
        now = to_micros(self.database.clock.now())
        query = select(sessions).where(sessions.c.digest == digest, sessions.c.until > now)
        row = connection.execute(query).first()
        return SessionRow(row.name, row.proof, from_micros(row.until)) if row is not None else None

    @writes
    def end_session(self, connection: Connection, digest: str) -> None:
        """Sign a browser out."""
        connection.execute(delete(sessions).where(sessions.c.digest == digest))

    @writes
    def drop_ended(self, connection: Connection) -> int:
        """Forget sessions and tokens whose time is over; return how many."""
        now = to_micros(self.database.clock.now())
        gone = connection.execute(delete(sessions).where(sessions.c.until <= now)).rowcount
        return gone + connection.execute(delete(api_tokens).where(api_tokens.c.until <= now)).rowcount

    @writes
    def add_token(self, connection: Connection, digest: str, token: ApiToken) -> bool:
        """Keep a program's token; False where there is one of that name."""
        row = {
            "digest": digest,
            "name": token.name,
            "scopes": " ".join(sorted(scope.value for scope in token.scopes)),
            "created_by": token.created_by,
            "created_at": to_micros(token.created_at),
            "until": to_micros(token.until) if token.until is not None else None,
        }
        try:
            with connection.begin_nested():
                connection.execute(insert(api_tokens).values(row))
        except IntegrityError:
            return False
        return True

    @reads
    def token(self, connection: Connection, digest: str) -> ApiToken | None:
        """Return the token of a digest, where its time is not over."""
        row = connection.execute(select(api_tokens).where(api_tokens.c.digest == digest)).first()
        token = _token(row) if row is not None else None
        return token if token is not None and (token.until is None or token.until > self.database.clock.now()) else None

    @writes
    def token_was_used(self, connection: Connection, name: str) -> None:
        """Keep when a token was used last."""
        now = to_micros(self.database.clock.now())
        connection.execute(update(api_tokens).where(api_tokens.c.name == name).values(used_at=now))

    @reads
    def tokens(self, connection: Connection) -> list[ApiToken]:
        """Return every token, by name."""
        return [_token(row) for row in connection.execute(select(api_tokens).order_by(api_tokens.c.name))]

    @writes
    def remove_token(self, connection: Connection, name: str) -> bool:
        """Remove a token; False where there is none of that name."""
        return bool(connection.execute(delete(api_tokens).where(api_tokens.c.name == name)).rowcount)


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(
        row.name, Role(row.role), row.password_hash, from_micros(row.created_at), from_micros(row.changed_at)
    )


def _token(row: Row[*tuple[Any, ...]]) -> ApiToken:
    return ApiToken(
        row.name,
        frozenset(map(Scope, row.scopes.split())),
        row.created_by,
        from_micros(row.created_at),
        from_micros(row.used_at),
        from_micros(row.until),
    )
