"""What every SQL source's table may say; its preset adds what its own schema leaves open."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, SecretStr, WithJsonSchema
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from syncd.canonical.kinds import TenderKind
from syncd.durations import Duration
from syncd.secret import ALLOWED, SECRET_SCHEMA, secret_of
from syncd.sources.settings import ZoneName
from syncd.sources.zones import Fold, Skipped


def _url(value: object) -> SecretStr:
    """Return a database URL: in clear where it holds no password, else as a secret."""
    if not isinstance(value, str):
        return secret_of(value, _checked)
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(ALLOWED if "@" in value else _NO_URL) from None
    if url.password:
        raise ValueError(ALLOWED)
    return SecretStr(value)


def _checked(value: str) -> str:
    try:
        make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(_NO_URL) from None
    return value


_NO_URL = "must be, or name, a database URL such as mysql://reader@127.0.0.1/pos"
DatabaseUrl = Annotated[
    SecretStr,
    PlainValidator(_url),
    WithJsonSchema({"anyOf": [{"type": "string"}, SECRET_SCHEMA.json_schema]}),
]


class SqlSettings(BaseModel):
    """How to read a till's database.

    A database shows no deletion and, mostly, no edit: the sales of the last ``look_back`` are read again every ``look_back_every``,
    and ``deleted`` says what becomes of those that are not there any more. ``patience`` bounds every query.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: DatabaseUrl
    preset: str = "queries"
    may_write: bool = False
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    timezone: ZoneName | None = None
    ambiguous_hour: Fold = "first"
    skipped_hour: Skipped = "later"
    location: str | None = None
    tenders: dict[str, TenderKind] = Field(default_factory=dict)
    overlap: Duration = timedelta(minutes=65)  # an hour that happens twice, and five minutes
    look_back: Duration = timedelta(days=3)
    look_back_every: Duration = timedelta(minutes=10)
    deleted: Literal["void", "ignore"] = "void"
    deleted_at_most: Annotated[int, Field(ge=0)] = 20
    page: Annotated[int, Field(ge=1, le=2000)] = 500
    patience: Duration = timedelta(seconds=30)
