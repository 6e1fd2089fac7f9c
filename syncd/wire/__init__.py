"""HTTP as both sides of the house need it: bounded in time and size, never redirected, never retried, verified.

``bigcommerce/`` builds its client on it, and the adapters of cloud POS systems theirs. Loaded when it is asked for.
"""

from typing import TYPE_CHECKING

from syncd.late import late_names

if TYPE_CHECKING:
    from syncd.wire.exchange import Wire, WireAnswer, WireError

__all__ = ["Wire", "WireAnswer", "WireError"]

__getattr__ = late_names(__name__, {"exchange": ("Wire", "WireAnswer", "WireError")})
