"""What every CSV source's table may say; its preset adds what its own exports let one choose."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.dates import DateOrder
from syncd.sources.csv.rows import normal
from syncd.sources.csv.states import State
from syncd.sources.csv.times import zone
from syncd.sources.folder import FolderSettings
from syncd.sources.zones import Fold, Skipped


class CsvSettings(FolderSettings):
    """How to read a shop's exports. Columns are found by name; ``columns`` names other headings for what we look for."""

    NAMES_CURRENCY: ClassVar[bool] = False  # each row says which
    NAMES_ZONE: ClassVar[bool] = False
    COLUMNS: ClassVar[Collection[str] | None] = None  # what ``columns`` may name; None for any heading

    preset: str = "generic"
    encoding: str = "auto"
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    decimal_mark: DecimalMark | dict[str, DecimalMark] | None = None
    date_order: DateOrder | None = None
    timezone: str | None = None
    ambiguous_hour: Fold = "first"
    skipped_hour: Skipped = "later"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    location: str | None = None
    columns: dict[str, str | list[str]] = Field(default_factory=dict)
    status_words: dict[str, State] = Field(default_factory=dict)

    def mark_of(self, column: str) -> DecimalMark | None:
        """Return the decimal mark of a column, by its normal name; None where nobody has said it."""
        if isinstance(self.decimal_mark, dict):
            marks = {normal(name.replace("_", " ")): mark for name, mark in self.decimal_mark.items()}
            return marks.get(column.replace("_", " "))
        return self.decimal_mark

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
        if self.currency is None and not self.NAMES_CURRENCY:
            msg = f'currency is required for preset "{self.preset}": its export does not name one'
            raise ValueError(msg)
        if self.timezone is None and not self.NAMES_ZONE:
            msg = f'timezone is required for preset "{self.preset}": its times are local and name no zone'
            raise ValueError(msg)
        return self

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, columns: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        cls._check_names(columns)
        return columns

    @field_validator("decimal_mark")
    @classmethod
    def _known_marks(
        cls, marks: DecimalMark | dict[str, DecimalMark] | None
    ) -> DecimalMark | dict[str, DecimalMark] | None:
        if isinstance(marks, dict):
            cls._check_names(marks)
        return marks

    @classmethod
    def _check_names(cls, named: Collection[str]) -> None:
        """Raise ValueError for a name that is nothing that a column can hold: it would be ignored."""
        known = named if cls.COLUMNS is None else cls.COLUMNS
        for name in sorted(set(named) - set(known)):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f": there are {', '.join(known)}"
            msg = f"{name!r} is nothing that a column can hold{hint}"
            raise ValueError(msg)
