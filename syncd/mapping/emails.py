"""E-mail addresses as BigCommerce takes them: one that is none refuses the whole order (400). Pure."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def email_of(text: str) -> str:
    """The address in ``text``, without what stands around it and in ASCII; empty where it is none, or more than one.

    By the syntax of RFC 5322 and 6531 as mail servers use it (email-validator); no name server is asked.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  only a push needs it

    bare = text.strip().strip("<>;,").removeprefix("mailto:").strip()
    if not bare:
        return ""
    try:
        found = validate_email(bare, check_deliverability=False)
    except EmailNotValidError:
        return ""
    return found.ascii_email or ""
