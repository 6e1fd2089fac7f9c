"""What the tables of sources in the cloud have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from syncd.durations import Duration
from syncd.secret import Secret

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""


class CloudSettings(BaseModel):
    """How often the last days are read again, for what the POS shows late: offline tills, lists that lag."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    look_back: Duration = timedelta(days=4)
    look_back_every: Duration = timedelta(hours=6)


class OAuthApp(BaseModel):
    """An application's access to an account; the refresh token may rotate with every renewal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    refresh_token: Secret | None = None


def one_way_in(**ways: object) -> None:
    """Check that a table names one way to sign in, by the names of its keys.

    Raises:
        ValueError: it names none, or more than one.

    """
    if sum(way is not None for way in ways.values()) != 1:
        msg = f"{' or '.join(ways)} is required, and not both"
        raise ValueError(msg)
