"""The fingerprint: a digest of what a sale says; same fingerprint, nothing to do.

It is the same in every process, whatever order the fields came in, for ``1.0`` and ``1.00``, and for one instant in any
zone. What changes without the sale changing (``version``, ``updated_at``, ``uploaded_at``, ``extra``) is left out, and so
are fields at their default, so that a field added later leaves the fingerprints of old sales alone.
"""

from __future__ import annotations

from hashlib import blake2b

from syncd.canonical.order import CanonicalOrder

_SILENT = {"version", "updated_at", "uploaded_at", "extra"}
_VERSION = "1"


def fingerprint(order: CanonicalOrder) -> str:
    """32 hex digits that change when what the sale says changes."""
    said = order.model_dump_json(exclude=_SILENT, exclude_defaults=True, context="fingerprint")
    return _VERSION + blake2b(said.encode(), digest_size=16).hexdigest()
