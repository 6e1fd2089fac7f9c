from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder, Fault
from syncd.sources import SourceContext
from syncd.sources.csv.source import CsvSource
from syncd.testing.clocks import ManualClock
from tests.exports import csv_settings


class Till:
    """A CSV source over a folder, read once."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        plain = {"currency": "USD", "timezone": "America/Chicago", "date_order": "ymd", "settle": "0s"}
        self.folder, self.clock = folder, ManualClock()
        self.source = CsvSource(
            csv_settings({"path": folder} | plain | settings),
            SourceContext("till", self.clock, folder),
        )

    def drop(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self) -> tuple[list[CanonicalOrder], list[Fault]]:
        batches = list(self.source.fetch(None))
        self.left_out = {why: count for batch in batches for why, count in batch.left_out.items()}
        self.holds = {sale: why for batch in batches for sale, why in batch.review_reasons.items()}
        return [o for batch in batches for o in batch.orders], [f for batch in batches for f in batch.faults]


@pytest.fixture
def till(tmp_path: Path) -> Callable[..., Till]:
    return lambda **settings: Till(tmp_path, **settings)
