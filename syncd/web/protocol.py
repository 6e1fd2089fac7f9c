"""uvicorn's HTTP protocol with bounds of its own: a request may take so long, and its head may be so large.

uvicorn bounds neither: a byte a minute would hold a connection for ever, and headers without end would fill the memory.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S = 6.0
_MOST_HEAD = 32 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401  as asyncio has it
        """Start the clock in the first moment: who connects must ask for something."""
        super().connection_made(transport)
        self._head, self._in_head = 0, True
        self._slow: asyncio.TimerHandle | None = None
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Count what comes before the head is whole."""
        self._watch()
        if self._in_head:
            self._head += len(data)
            if self._head > _MOST_HEAD + (len(data) if self._head == len(data) else 0):
                self.send_400_response("The head of the request is too large.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a new request."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._head, self._in_head = 0, False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the client's clock: the request is whole, and from here on the time is ours."""
        super().on_message_complete()
        self._in_head = True
        self._unwatch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to be bounded."""
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self._slow is None:
            self._slow = self.loop.call_later(REQUEST_S, self._too_slow)

    def _unwatch(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _too_slow(self) -> None:
        self._slow = None
        self.transport.abort()
