"""The entry point: refuses a system that syncd does not run on, in words, before anything of it is loaded."""

from __future__ import annotations

import os
import sys

_UNSUPPORTED = """\
syncd: syncd does not run on Windows itself.
  Run it in Docker Desktop (deploy/compose.yaml), or in a Linux of the Windows Subsystem for Linux: wsl --install
"""


def main(system: str = sys.platform) -> None:
    """Run the ``syncd`` command on Linux or macOS; on Windows say what to do instead, and end with 2."""
    if system in ("win32", "cygwin"):
        sys.stderr.write(_UNSUPPORTED)
        sys.exit(2)
    # pydantic looks through every installed package for plugins of its own, at each start; syncd has none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from syncd.cli.edge import main as run

    run()
