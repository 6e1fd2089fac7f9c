from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shop import Shop, Store, running_sandbox


@pytest.fixture
def store() -> Iterator[Store]:
    with running_sandbox() as (_, running):
        yield running


@pytest.fixture
def shop(tmp_path: Path, store: Store) -> Shop:
    (tmp_path / "inbox").mkdir()
    made = Shop(tmp_path, store)
    made.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n')
    return made
