"""What a config holds: its tables, each a model of the room that it configures, and the whole once it was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from syncd.bigcommerce.settings import ConnectionSettings
from syncd.errors import ConfigProblem
from syncd.mapping.rules import Rules
from syncd.sale.policy import PushPolicy, StorePolicy
from syncd.settings import (
    AlertSettings,
    EventSettings,
    IntakeSettings,
    LedgerSettings,
    LogSettings,
    ServiceSettings,
    UiSettings,
    WebSettings,
)
from syncd.sources.settings import SourceSettings

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
"""What stores and sources may be called."""
Table = dict[str, Any]
"""Parsed TOML, before any model has looked at it."""


class StoreSettings(BaseModel):
    """``[stores.<name>]``: one flat table, whose keys belong to the client, the mapper and the pusher."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connection: ConnectionSettings
    rules: Rules
    push: PushPolicy

    @property
    def policy(self) -> StorePolicy:
        """What this store's sales are decided by."""
        return StorePolicy(self.rules, self.push)

    @model_validator(mode="before")
    @classmethod
    def _sort_keys(cls, table: object) -> object:
        if not isinstance(table, Mapping):
            return table
        sorted_keys: Table = {room: {} for room in ROOMS}
        for key, value in table.items():
            owner = next((room for room, model in ROOMS.items() if key in model.model_fields), None)
            if owner is None:
                sorted_keys[key] = value
            else:
                sorted_keys[owner][key] = value
        return sorted_keys


ROOMS: dict[str, type[BaseModel]] = {"connection": ConnectionSettings, "rules": Rules, "push": PushPolicy}


class SourceConfig(Struct, frozen=True):
    """One source: the shared part and the adapter's validated settings."""

    common: SourceSettings
    settings: BaseModel


class Tables(BaseModel):
    """The tables of a config file, each checked by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ledger: LedgerSettings = LedgerSettings()
    log: LogSettings = LogSettings()
    service: ServiceSettings = ServiceSettings()
    intake: IntakeSettings = IntakeSettings()
    web: WebSettings = WebSettings()
    ui: UiSettings = UiSettings()
    alerts: AlertSettings = AlertSettings()
    events: EventSettings = EventSettings()
    stores: dict[Annotated[str, Field(pattern=NAME)], StoreSettings] = Field(default_factory=dict)
    sources: dict[Annotated[str, Field(pattern=NAME)], SourceSettings] = Field(default_factory=dict)
    store_defaults: dict[str, Any] = Field(default_factory=dict)
    source_defaults: dict[str, Any] = Field(default_factory=dict)


class PartNames(Struct, frozen=True):
    """The stores and sources that a file of ``conf.d`` has."""

    stores: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class LeftOut(Struct, frozen=True):
    """A file of ``conf.d`` that cannot be used, by its name, with the stores and sources that it would have had, and why."""

    file: str
    stores: tuple[str, ...]
    sources: tuple[str, ...]
    problems: Sequence[ConfigProblem]

    @property
    def words(self) -> str:
        """What is left out and why, in a line."""
        what = ", ".join([*self.stores, *self.sources]) or "its store"
        return f"{self.file} cannot be used, so {what} is left out: {'; '.join(map(str, self.problems))}"

    @property
    def cure(self) -> str:
        """What to do about it."""
        return f"Correct {self.file}; syncd takes it up within a minute."


class Config(Struct, frozen=True):
    """Everything that syncd was told, checked.

    ``parts`` are the stores and sources of each file of ``conf.d``, by its name; ``left_out`` are the files that could not be used.
    """

    path: Path
    ledger_url: SecretStr
    ledger: LedgerSettings
    log: LogSettings
    service: ServiceSettings
    intake: IntakeSettings
    web: WebSettings
    ui: UiSettings
    alerts: AlertSettings
    events: EventSettings
    stores: Mapping[str, StoreSettings]
    sources: Mapping[str, SourceConfig]
    parts: Mapping[str, PartNames] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    def part_of(self, key: str) -> str | None:
        """Return the file of ``conf.d`` that has the store or source of a key (``stores.main.hook``); None for the config file."""
        table, _, rest = key.partition(".")
        for file, names in self.parts.items():
            for name in names.stores if table == "stores" else names.sources if table == "sources" else ():
                if rest == name or rest.startswith(f"{name}."):
                    return file
        return None

    def without(self, file: str, problems: Sequence[ConfigProblem]) -> Config:
        """Return the config with a file of ``conf.d`` left out, for what was found only when its store was to begin."""
        names = self.parts[file]
        return replace(
            self,
            stores={name: one for name, one in self.stores.items() if name not in names.stores},
            sources={name: one for name, one in self.sources.items() if name not in names.sources},
            parts={other: one for other, one in self.parts.items() if other != file},
            left_out=(*self.left_out, LeftOut(file, names.stores, names.sources, problems)),
        )

    @property
    def base_dir(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent
