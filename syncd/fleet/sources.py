"""Which sources any worker of a fleet can read, and which are tied to the disk of one machine."""

from __future__ import annotations

from typing import Any

from syncd.config import Config
from syncd.errors import ConfigProblem
from syncd.sources import HasFolder, registry

_CURE = (
    'name it with host (host = "*" where all workers see the folder), or have the files come by sftp or from a bucket'
)


def tied_sources(config: Config) -> list[ConfigProblem]:
    """Return a problem for each enabled source that reads a folder on a disk and does not say whose."""
    found = []
    for name, source in config.sources.items():
        settings: Any = source.settings
        remote = getattr(settings, "sftp", None) is not None or getattr(settings, "bucket", None) is not None
        if (
            source.common.enabled
            and not source.common.host
            and not remote
            and issubclass(registry.load(source.common.type), HasFolder)
        ):
            found.append(ConfigProblem(f"sources.{name}", "", _CURE))
    return found
