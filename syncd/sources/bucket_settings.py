"""The settings of a folder in a bucket: S3 and what speaks its language, Google Cloud Storage, Azure."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.clock import Duration
from syncd.secret import Secret
from syncd.sources.keys import ApiUrl

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
