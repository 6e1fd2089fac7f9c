"""The settings of a folder on an SFTP server, and of one in a bucket."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from syncd.durations import Duration
from syncd.secret import Secret
from syncd.sources.settings import ApiUrl

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


Scheme = Literal["s3", "gs", "az"]


class BucketSettings(BaseModel):
    """``[sources.<name>.bucket]``: where files are fetched from. ``after`` says what becomes of them there.

    ``url`` is ``s3://bucket/folder``, ``gs://bucket/folder`` or ``az://container/folder``. Without keys, those of the machine count
    (an instance's role, the environment). ``endpoint`` is a server of your own that speaks S3.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, Field(pattern=r"^(s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]{1,62}(/[^\s?#]*)?$")]
    region: str | None = None
    endpoint: ApiUrl | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None
    service_account: Secret | None = None
    account: str | None = None
    account_key: Secret | None = None
    after: Literal["move", "keep"] = "move"
    patience: Duration = timedelta(minutes=5)

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        wanted = {"s3": ("access_key", "secret_key"), "gs": ("service_account",), "az": ("account", "account_key")}
        own = {name for names in wanted.values() for name in names if getattr(self, name) is not None}
        if own and own != set(wanted[self.scheme]):
            msg = f"{self.scheme}:// takes {' and '.join(wanted[self.scheme])}, or none of them"
            raise ValueError(msg)
        if self.endpoint is not None and self.scheme != "s3":
            msg = "endpoint is for s3:// alone"
            raise ValueError(msg)
        return self

    @property
    def scheme(self) -> Scheme:
        """Whose bucket it is."""
        return self.url.partition(":")[0]  # type: ignore[return-value]  # the pattern allows no other
