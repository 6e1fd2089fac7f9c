"""The settings of a CSV source."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.headings import GENERIC
from syncd.sources.csv.times import DateOrder, Fold, Skipped, zone
from syncd.sources.folder import FolderSettings

Preset = Literal["generic", "square", "lightspeed_x", "shopify", "loyverse", "clover"]
_NAMES_CURRENCY = ("shopify", "clover")  # each row says which
_NAMES_ZONE = ("square", "shopify", "clover")


class CsvSettings(FolderSettings):
    """How to read a shop's exports. Columns are found by name; ``columns`` names other headings for what we look for."""

    preset: Preset = "generic"
    encoding: str = "auto"
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    decimal_mark: DecimalMark | None = None
    date_order: DateOrder | None = None
    timezone: str | None = None
    ambiguous_hour: Fold = "first"
    skipped_hour: Skipped = "later"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    prices_include_tax: bool = False
    location: str | None = None
    columns: dict[str, str | list[str]] = Field(default_factory=dict)
    items_only: Literal["accept", "hold"] = "hold"
    unpaid: Literal["open", "push"] = "open"
    on_account: Literal["sale", "open"] = "sale"
    only: Annotated[tuple[str, ...], Field(min_length=1)] = ("pos",)
    no_lines: Literal["custom", "hold"] = "custom"
    tips_beside: Literal["note", "fee"] = "note"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None:
            zone(name)
        return name

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        if name != "auto":
            try:
                "".encode(name)
            except LookupError:
                msg = 'must be "auto" or an encoding such as "utf-8", "cp1252" or "utf-16"'
                raise ValueError(msg) from None
        return name

    @model_validator(mode="after")
    def _said_enough(self) -> Self:
        if self.currency is None and self.preset not in _NAMES_CURRENCY:
            msg = f'currency is required for preset "{self.preset}": its export does not name one'
            raise ValueError(msg)
        if self.timezone is None and self.preset not in _NAMES_ZONE:
            msg = f'timezone is required for preset "{self.preset}": its times are local and name no zone'
            raise ValueError(msg)
        return self

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, columns: dict[str, str | list[str]], info: ValidationInfo) -> dict[str, str | list[str]]:
        if info.data.get("preset") == "generic":
            for name in sorted(columns.keys() - GENERIC.keys()):
                near = difflib.get_close_matches(name, GENERIC, n=1)
                hint = f"; did you mean {near[0]}?" if near else f": there are {', '.join(GENERIC)}"
                msg = f"{name!r} is nothing that a column can hold{hint}"
                raise ValueError(msg)
        return columns
