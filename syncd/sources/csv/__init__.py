"""CSV exports: columns by name, rows of one sale wherever they stand, presets for what the systems really write."""

from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource

__all__ = ["CsvSettings", "CsvSource"]
