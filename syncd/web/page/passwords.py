"""Passwords: hashed with argon2id, verified a few at a time, so that a crowd of tries takes neither memory nor the machine."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10
"""Letters that a password has at least."""
_LONGEST = 1_000
_AT_ONCE = 2
_PATIENCE_S = 5.0
_verifying = threading.BoundedSemaphore(_AT_ONCE)


@cache
def hasher() -> PasswordHasher:
    """argon2id with the parameters that OWASP's password storage page gives for small machines (19 MiB, two passes).

    Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
    """
    from argon2 import PasswordHasher  # noqa: PLC0415  only who signs in needs it

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _nobodys() -> str:
    return hasher().hash("nobody has this password")


def verify(kept: str | None, password: str) -> bool:
    """Whether a password is the one of a hash; of no hash (None) it takes the same time, and is never."""
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415  only who signs in needs it

    if len(password) > _LONGEST or not _verifying.acquire(timeout=_PATIENCE_S):
        return False
    try:
        return hasher().verify(kept or _nobodys(), password) and kept is not None
    except (Argon2Error, InvalidHashError):
        return False
    finally:
        _verifying.release()
