from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.shop import Shop, Store, running_sandbox
from tests.thorough import is_thorough

# No test depends on how fast or busy the machine is.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_thorough(item.nodeid):
            item.add_marker(pytest.mark.thorough)


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
