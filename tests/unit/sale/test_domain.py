"""The domain stands below the database and below HTTP: what decides about a sale can be read and tried without either."""

import subprocess
import sys

import pytest

LOADED = (
    "import sys, syncd.sale.{module}; print(*sorted(name for name in sys.modules if name.split('.')[0] in {foreign}))"
)
FOREIGN = {"sqlalchemy", "requests", "urllib3", "alembic"}
MODULES = (
    "attempt",
    "decide",
    "events",
    "facts",
    "overrides",
    "policy",
    "requests",
    "returns",
    "sale",
    "states",
    "steps",
)


@pytest.mark.parametrize("module", [*MODULES, "twins", "versions"])
def test_the_domain_loads_no_database_and_no_http(module: str) -> None:
    program = LOADED.format(module=module, foreign=FOREIGN)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
