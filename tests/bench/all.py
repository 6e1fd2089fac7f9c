"""Runs the benchmarks and compares their figures with those in the repository: ``python -m tests.bench.all [--keep] [NAME ...]``.

It exits with 1 where a figure is worse than the kept one beyond its noise. ``--keep`` makes the new ones those to compare with.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tests.bench import figures, page

RUNS = {
    "push": ("push_rate",),
    "push_far": ("push_rate", "--latency-ms", "250", "--orders", "2000", "--rounds", "2"),
    "record": ("record_rate",),
    "map": ("map_rate",),
    "sandbox": ("sandbox_rate",),
    "start": ("start_up",),
    "lost": ("lost_answers",),
    "quota": ("quota",),
    "growth": ("growth", "--idle-s", "30"),
    "webhook": ("webhook_lag",),
    "page": ("page_rate",),
    "rest": ("at_rest", "--seconds", "60"),
    "database": ("read_rate",),
    "poslog": ("read_rate", "--kind", "poslog"),
}
_AT_MOST_S = 600
_OUT = Path("build/figures.json")


def main() -> None:
    """Run, compare, and say what is worse."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("names", nargs="*", metavar="NAME", help=f"Some of them: {', '.join(RUNS)}.")
    words.add_argument("--keep", action="store_true", help="Keep the figures in the repository.")
    asked = words.parse_args()
    if unknown := set(asked.names) - RUNS.keys():
        words.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    _OUT.parent.mkdir(exist_ok=True)
    lines = _OUT.with_suffix(".jsonl")
    lines.unlink(missing_ok=True)
    failed = [name for name in asked.names or RUNS if not _ran(name, lines)]
    found = figures.noted(lines)
    _OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    compared = list(figures.compare(found, figures.kept()))
    print("", *compared, sep="\n")
    if asked.keep:
        figures.keep(found)
        page.main()
    worse = [one for one in compared if one.is_worse]
    print(
        f"{len(compared)} figures in {_OUT}, {len(worse)} worse than before, failed runs: {', '.join(failed) or 'none'}"
    )
    sys.exit(bool(failed or (worse and not asked.keep)))


def _ran(name: str, lines: Path) -> bool:
    module, *options = RUNS[name]
    print(f"\n{name}: python -m tests.bench.{' '.join((module, *options))}", flush=True)
    command = [sys.executable, "-m", f"tests.bench.{module}", *options]
    try:
        return subprocess.run(command, env=figures.noting_into(lines), timeout=_AT_MOST_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"{name} took more than {_AT_MOST_S} s")
        return False


if __name__ == "__main__":
    main()
