"""The settings of a CSV source, as a config's table gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource


def csv_settings(table: Mapping[str, Any]) -> CsvSettings:
    settings = CsvSource.settings_for(table).model_validate(table)
    assert isinstance(settings, CsvSettings)
    return settings
