"""``python -m syncd`` is the ``syncd`` command."""

from syncd.cli.launch import main

main()
