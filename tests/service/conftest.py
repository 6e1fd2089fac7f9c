"""A daemon with a page in front of a sandbox of its own module, empty at the beginning of each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.pages import Served, page_of
from tests.shop import Store, running_sandbox


@pytest.fixture(scope="module")
def page_store() -> Iterator[Store]:
    with running_sandbox() as (_, found):
        yield found


@pytest.fixture
def served(tmp_path: Path, page_store: Store) -> Iterator[Served]:
    page_store.control("reset", {})
    with page_of(tmp_path, page_store) as found:
        yield found
