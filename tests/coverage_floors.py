"""``python -m tests.coverage_floors build/coverage.json``: how much of each room the tests run, and whether that is enough.

A room's figure counts lines and branches alike. Its floor is a little below what was measured when it was set: raise it when
tests are added, lower it only with a reason. Measured with PostgreSQL and MariaDB running; without them ``ledger`` is lower.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FLOORS: Mapping[str, int] = {
    "(top)": 89,
    "bigcommerce": 88,
    "canonical": 97,
    "cli": 59,  # what needs a terminal, a daemon or a browser is in `make test-all`
    "http": 95,
    "intake": 80,
    "ledger": 91,
    "mapping": 93,
    "presentation": 73,
    "probe": 89,
    "push": 88,
    "sale": 94,
    "sandbox": 63,
    "service": 66,  # the daemon's own tests are in `make test-all`
    "sources": 89,
    "testing": 95,
    "web": 31,  # the page's own tests are in `make test-all`
}
_ROOT = "syncd/"


def rooms(report: Mapping[str, Any]) -> dict[str, float]:
    """The share of each room's lines and branches that ran, in percent, from coverage's JSON report."""
    ran: dict[str, int] = defaultdict(int)
    all_of_it: dict[str, int] = defaultdict(int)
    for name, file in report["files"].items():
        path = name.replace("\\", "/").removeprefix(_ROOT)
        room = path.partition("/")[0] if "/" in path else "(top)"
        summary = file["summary"]
        ran[room] += summary["covered_lines"] + summary.get("covered_branches", 0)
        all_of_it[room] += summary["num_statements"] + summary.get("num_branches", 0)
    return {room: 100 * ran[room] / count if count else 100.0 for room, count in sorted(all_of_it.items())}


def below(found: Mapping[str, float], floors: Mapping[str, int]) -> list[str]:
    """The rooms that are below their floor, or have none, in words."""
    missing = [f"{room} has no floor (it is at {share:.1f} %)" for room, share in found.items() if room not in floors]
    low = [
        f"{room} is at {share:.1f} %, and its floor is {floors[room]} %"
        for room, share in found.items()
        if room in floors and share < floors[room]
    ]
    return [*missing, *low]


def main() -> None:
    """Print the table; end with 1 where a room is below its floor."""
    found = rooms(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for room, share in found.items():
        print(f"{room:16} {share:6.1f} %   floor {FLOORS.get(room, 0)} %")
    if problems := below(found, FLOORS):
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
