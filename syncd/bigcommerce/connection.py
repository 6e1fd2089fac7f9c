"""The wire to one store: the bounded HTTP of ``syncd.wire`` with a store's base URL and token."""

from __future__ import annotations

from syncd.bigcommerce.settings import ConnectionSettings
from syncd.clock import Clock
from syncd.wire import Wire
from syncd.wire.limits import Limits


def store_wire(settings: ConnectionSettings, clock: Clock, *, connections: int = 10) -> Wire:
    """The pooled connections to a store; paths start after its hash."""
    limits = Limits(settings.connect_timeout, settings.deadline, ca_file=settings.ca_file, proxy=settings.proxy)
    headers = {"X-Auth-Token": settings.token.get_secret_value()}
    return Wire(f"{settings.api_url}/stores/{settings.store_hash}", headers, limits, clock, connections=connections)
