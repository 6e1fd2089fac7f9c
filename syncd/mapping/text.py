"""Free text on its way to BigCommerce: on one line, and bounded."""

from __future__ import annotations

import re
import unicodedata


def bounded(text: str, longest: int) -> str:
    """``text`` on one line, cut at ``longest`` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def folded(text: str) -> str:
    """A name without what writers differ in: case, accents of Latin, Greek and Cyrillic, punctuation, a leading "the"."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in spread if not "\u0300" <= char <= "\u036f")
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", bare)).strip().removeprefix("the ")
