"""Accounts, sessions and tokens in the ledger: what proves them, and when they are over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from syncd.ledger import ApiToken, SessionRow
from syncd.roles import Role, Scope
from tests.databases import both_databases
from tests.ledger.conftest import Book


@both_databases
def test_an_account_is_added_once_changed_and_removed_with_its_sessions(book: Book) -> None:
    accounts = book.ledger.accounts
    assert not accounts.any()
    assert accounts.add("ada", Role.OPERATOR, "hash")
    assert not accounts.add("ada", Role.ADMIN, "other")
    kept = accounts.get("ada")
    assert kept is not None
    assert (kept.role, kept.password_hash) == (Role.OPERATOR, "hash")
    assert "hash" not in repr(kept)
    changes: list[Callable[[], bool]] = [
        partial(accounts.change, "ada", role=Role.VIEWER),
        partial(accounts.remove, "ada"),
    ]
    for change in changes:
        accounts.begin_session("d", SessionRow("ada", "proof", book.clock.now() + timedelta(hours=1)))
        assert accounts.session("d") is not None
        assert change()
        assert accounts.session("d") is None
    assert not accounts.change("ada", role=Role.ADMIN)
    assert not accounts.remove("ada")
    assert accounts.all() == []


@both_databases
def test_sessions_and_tokens_count_until_their_time_is_over(book: Book) -> None:
    accounts, later = book.ledger.accounts, book.clock.now() + timedelta(hours=12)
    accounts.begin_session("d", SessionRow("ada", "proof", later))
    token = ApiToken("wallboard", frozenset({Scope.STATUS, Scope.SALES}), "ada", book.clock.now(), until=later)
    assert accounts.add_token("t", token)
    assert not accounts.add_token("other", token)
    assert accounts.add_token("u", ApiToken("for ever", frozenset({Scope.STATUS}), "ada", book.clock.now()))
    assert accounts.drop_ended() == 0
    assert accounts.token("t") == token
    accounts.token_was_used("wallboard")
    assert accounts.tokens()[1].used_at == book.clock.now()
    book.clock.pass_time(12 * 3600 + 1)
    assert accounts.session("d") is None
    assert accounts.token("t") is None
    assert accounts.token("u") is not None
    assert accounts.drop_ended() == 2
    assert accounts.remove_token("for ever")
    assert not accounts.remove_token("for ever")
    assert accounts.tokens() == []
