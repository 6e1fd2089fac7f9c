"""A record of the exchanges, for people who want to see what was asked, and for tests that hold it to the API's description."""

from __future__ import annotations

import json
from pathlib import Path

from syncd.sandbox.answers import Answer
from syncd.sandbox.world import Asked


class Tape:
    """One JSON object a line: ``method``, ``path``, ``query``, ``body``, ``status``, ``answer``; never the token."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def keep(self, asked: Asked, answer: Answer) -> None:
        """Write one exchange."""
        if asked.path.startswith("/stores/"):
            exchange = {"method": asked.method, "path": asked.path, "query": asked.query, "body": asked.body.decode()}
            said = {"status": answer.status, "kind": answer.kind, "answer": answer.body.decode()}
            self._file.write(json.dumps(exchange | said) + "\n")

    def close(self) -> None:
        """End the record."""
        self._file.close()
