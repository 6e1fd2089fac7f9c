"""``python -m syncd`` is the ``syncd`` command."""

from syncd.cli.edge import main

main()
