"""Free text on its way to BigCommerce: on one line, and bounded."""

from __future__ import annotations


def bounded(text: str, longest: int) -> str:
    """``text`` on one line, cut at ``longest`` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
