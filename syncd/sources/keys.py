"""Kinds of values that the settings of several adapters hold."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from syncd.secret import Secret
from syncd.sources.zones import zone
from syncd.wire.limits import https_or_loopback


def _known(name: str) -> str:
    zone(name)
    return name


ApiUrl = Annotated[str, AfterValidator(https_or_loopback)]
"""Where an API is: https, or a server on this machine."""
ZoneName = Annotated[str, AfterValidator(_known)]
"""An IANA time zone."""


class SignedOrNot(BaseModel):
    """A webhook whose signature ``client_secret`` checks; one that was made by hand carries none, and is a mere hint to poll."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_secret: Secret | None = None
    unsigned: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.client_secret is None) == (not self.unsigned):
            msg = "client_secret is required, or unsigned = true where the webhook was made by hand"
            raise ValueError(msg)
        return self
