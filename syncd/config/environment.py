"""The configuration's keys as environment variables: ``SYNCD_LEDGER__URL`` is ``url`` of ``[ledger]``."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from syncd.errors import ConfigError

_Table = dict[str, Any]


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SYNCD_", env_nested_delimiter="__", extra="ignore")

    ledger: _Table = Field(default_factory=dict)
    log: _Table = Field(default_factory=dict)
    service: _Table = Field(default_factory=dict)
    intake: _Table = Field(default_factory=dict)
    web: _Table = Field(default_factory=dict)
    ui: _Table = Field(default_factory=dict)
    alerts: _Table = Field(default_factory=dict)
    events: _Table = Field(default_factory=dict)
    stores: _Table = Field(default_factory=dict)
    sources: _Table = Field(default_factory=dict)
    store_defaults: _Table = Field(default_factory=dict)
    source_defaults: _Table = Field(default_factory=dict)


def read() -> _Table:
    """Return the tables that variables name, as text in nested dictionaries.

    Raises:
        ConfigError: a variable names a table and no key of it, or cannot be read.

    """
    try:
        return _Environment().model_dump(exclude_defaults=True)
    except SettingsError as error:
        cure = "Name a key with __ between its parts, such as SYNCD_LEDGER__URL=sqlite:///ledger.db."
        raise ConfigError(f"an environment variable cannot be used: {error}", cure=cure) from None
    except ValidationError as error:
        name = "SYNCD_" + str(error.errors()[0]["loc"][0]).upper()
        raise ConfigError(
            f"{name} must name a key: {name}__...", cure="See syncd config example for the keys."
        ) from None
