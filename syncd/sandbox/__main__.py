"""``python -m syncd.sandbox``: the sandbox as a process of its own; prints one line of JSON that says where it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from syncd.sandbox.server import run_forever
from syncd.sandbox.settings import SandboxSettings


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="syncd.sandbox")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--print-port", action="store_true", help="print JSON with the URL (kept for scripts)")
    for name in ("db", "catalog", "faults", "record"):
        parser.add_argument(f"--{name}", type=Path)
    for name, default in (("quota", 0), ("window-ms", 30_000), ("latency-ms", 0), ("seed", 1), ("stores", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--more-currencies", default=(), type=lambda text: tuple(text.split(",")))
    words = vars(parser.parse_args())
    words.pop("print_port")
    run_forever(SandboxSettings(**words), as_json=True)


main()
