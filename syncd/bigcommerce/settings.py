"""How to reach one store: the client's part of ``[stores.<name>]``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from syncd.durations import Duration
from syncd.http.limits import https_or_loopback
from syncd.secret import Token


class ConnectionSettings(BaseModel):
    """Where a store's API is, how to prove who we are, and how long to wait. TLS verification cannot be turned off.

    ``trial``: no shop sells through it, so ``syncd stores probe`` may make orders there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_hash: Annotated[str, Field(pattern=r"^[a-z0-9]+$", max_length=64)]
    token: Token
    api_url: str = "https://api.bigcommerce.com"
    quota_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    connect_timeout: Duration = timedelta(seconds=5)
    deadline: Duration = timedelta(seconds=30)
    ca_file: Path | None = None
    proxy: str | None = None
    trial: bool = False

    @field_validator("api_url")
    @classmethod
    def _https_or_loopback(cls, url: str) -> str:
        return https_or_loopback(url)
