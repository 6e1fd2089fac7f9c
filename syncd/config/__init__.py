"""The configuration, checked: ``load`` reads it, ``Config`` holds it."""

from syncd.config.files import FOLDER, find, is_part, merge, read_written
from syncd.config.loading import load
from syncd.config.model import ROOMS, Config, LeftOut, PartNames, SourceConfig, StoreSettings, Table, Tables

__all__ = [
    "FOLDER",
    "ROOMS",
    "Config",
    "LeftOut",
    "PartNames",
    "SourceConfig",
    "StoreSettings",
    "Table",
    "Tables",
    "find",
    "is_part",
    "load",
    "merge",
    "read_written",
]
