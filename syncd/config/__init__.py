"""The configuration, checked: ``load`` reads it, ``Config`` holds it."""

from syncd.config.files import find, merge, part_files, read_written
from syncd.config.loading import load
from syncd.config.model import ROOMS, Config, LeftOut, PartNames, SourceConfig, StoreSettings, Table, Tables

__all__ = [
    "ROOMS",
    "Config",
    "LeftOut",
    "PartNames",
    "SourceConfig",
    "StoreSettings",
    "Table",
    "Tables",
    "find",
    "load",
    "merge",
    "part_files",
    "read_written",
]
