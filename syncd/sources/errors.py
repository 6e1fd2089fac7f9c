"""What can be wrong with a source as a whole. A single record that cannot be read is a ``Fault``, and no error."""

from __future__ import annotations

from datetime import timedelta

from syncd.errors import SourceError


class SourceUnavailable(SourceError):
    """The source does not answer or its folder is not there; trying again later may help."""


class SourceAccessDenied(SourceError):
    """The source refused us; a person must mend a permission or a token, as the cure says."""


class SourceRateLimited(SourceError):
    """The source has had enough of us for now; it is asked again after ``retry_after``."""

    def __init__(self, what: str, retry_after: timedelta, cure: str = "") -> None:
        super().__init__(what, cure or "syncd continues automatically.")
        self.retry_after = retry_after


class SourceRejected(SourceError):
    """The source does not take the question (a 4xx that is neither 401, 403 nor 429); ``code`` is its own word for why."""

    def __init__(self, what: str, status: int, code: str = "", cure: str = "") -> None:
        super().__init__(what, cure)
        self.status, self.code = status, code


class Forged(SourceError):
    """A delivery to ``/intake`` does not carry the proof that it must: nothing of it is believed."""
