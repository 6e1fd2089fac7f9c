"""How a sale key is sent as ``external_order_id``: as it is, or in a short form that fits and stays unique. Pure.

No text says how long the field is; 64 characters are taken to be safe, and a store that keeps less is told by its first answer.
"""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b

_DIGEST_BYTES = 15  # 24 characters of base 32


LONGEST_KEY = 64


def sent_key(sale_key: str, longest: int = LONGEST_KEY) -> str:
    """``sale_key`` where it has at most ``longest`` characters, else its beginning, ``~`` and a digest of the whole."""
    if len(sale_key) <= longest:
        return sale_key
    digest = b32encode(blake2b(sale_key.encode(), digest_size=_DIGEST_BYTES).digest()).decode().lower()
    return f"{sale_key[: longest - len(digest) - 1]}~{digest}"


def sent_forms(sale_key: str, longest: int) -> tuple[str, ...]:
    """Every form in which ``sale_key`` may have been sent, under this limit or the usual one."""
    return tuple({sale_key, sent_key(sale_key), sent_key(sale_key, longest)})
