"""The settings of a folder on an SFTP server."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from syncd.clock import Duration
from syncd.secret import Secret

FINGERPRINT = "SHA256:"
TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


class SftpSettings(BaseModel):
    """``[sources.<name>.sftp]``: where files are fetched from. ``after`` says what becomes of them there.

    ``host_key``: as ``ssh-keyscan`` prints it (type and key), or its fingerprint (``SHA256:...``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: Annotated[str, Field(min_length=1)]
    host_key: str
    password: Secret | None = None
    key: Secret | None = None
    passphrase: Secret | None = None
    path: str = "."
    after: Literal["move", "keep"] = "move"
    patience: Duration = timedelta(minutes=5)

    @field_validator("host_key")
    @classmethod
    def _is_a_key(cls, said: str) -> str:
        words = said.split()
        if said.startswith(FINGERPRINT) and len(words) == 1:
            return said.rstrip("=")
        kinds = [word for word in words if word in TYPES]
        if not kinds or words[-1] == kinds[0]:
            msg = 'must be "ssh-ed25519 AAAA..." as ssh-keyscan prints it, or a fingerprint "SHA256:..."'
            raise ValueError(msg)
        return said

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.password is None) == (self.key is None):
            msg = "password or key is required, and not both"
            raise ValueError(msg)
        return self
