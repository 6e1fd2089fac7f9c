"""A paused store that somebody wants tried at once: the token is new, or BigCommerce is said to answer again."""

from __future__ import annotations

from syncd.app import App
from syncd.errors import UsageError
from syncd.secret import KeptSecret


def try_now(app: App, store: str) -> str:
    """Have a paused store tried at once, by the daemon that pushes to it; return what to know about that.

    Raises:
        UsageError: there is no such store, it is not paused, or only the config can end its pause.

    """
    settings = app.config.stores.get(store)
    if settings is None:
        raise UsageError(f"there is no store {store!r}", f"Stores are {', '.join(app.config.stores) or 'none yet'}.")
    stands = app.ledger.stores.get(store)
    if stands.paused_why is None:
        raise UsageError(f"{store} is not paused", "Nothing to do: its sales are sent as they arrive.")
    if stands.key_limit is not None and settings.rules.longest_key > stands.key_limit:
        raise UsageError(f"trying {store} again does not help: {stands.paused_why}", stands.cure)
    app.ledger.stores.try_now(store)
    token = settings.connection.token
    name = token.variable if isinstance(token, KeptSecret) else ""
    return f"Its token comes from the variable {name}: if that is new, restart syncd." if name else ""
