"""How long commands take from prompt to prompt, in parts of loading SQLAlchemy and pydantic in the same run."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from syncd.testing.orders import sale
from tests.bench import figures
from tests.shop import CONFIG

SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
_NOTED = {"--help": "start_help", "status": "start_status"}
COMMANDS = (("--help",), ("version",), ("status",), ("sale", "till:1001"), ("retry", "till:1001"), ("sales",))


def took(command: list[str], folder: Path, rounds: int) -> float:
    """The median of some runs, in seconds; the first, which fills the caches, is not counted."""
    env = {**os.environ, "FLOW_TOKEN": "token-of-a-bench", "SYNCD_CONFIG": str(folder / "syncd.toml")}
    times = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        subprocess.run(command, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:])


def main() -> None:
    """Print a line a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inbox").mkdir()
        text = CONFIG.format(
            ledger="sqlite:///ledger.db", store_hash="abc", url="http://127.0.0.1:9", store="", sources=SOURCE
        )
        (folder / "syncd.toml").write_text(text)
        (folder / "inbox" / "sales.jsonl").write_text(sale(source="till").to_json() + "\n")
        syncd = [sys.executable, "-m", "syncd"]
        took([*syncd, "sync", "--limit", "0"], folder, 1)
        bare = took([sys.executable, "-c", "import sqlalchemy, pydantic"], folder, options.rounds)
        print(f"an interpreter that loads SQLAlchemy and pydantic: {bare:.3f} s")
        for words in COMMANDS:
            seconds = took([*syncd, *words], folder, options.rounds)
            if words[0] in _NOTED:
                figures.note(_NOTED[words[0]], seconds / bare)
            print(f"syncd {' '.join(words)}: {seconds:.2f} s, {seconds / bare:.2f} times that")


if __name__ == "__main__":
    main()
