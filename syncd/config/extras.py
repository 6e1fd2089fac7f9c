"""Which extras a config needs, and for what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncd.config import Config
from syncd.errors import ConfigError, ConfigProblem
from syncd.extras import Extra, install_command, is_installed

_DATABASES: dict[str, Extra] = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgresql": "postgresql",
    "postgres": "postgresql",
}
_WORKBOOKS = (".xls", ".ods")  # and what begins so


def needed_extras(config: Config) -> dict[str, Extra]:
    """Return the extra that each key of a config needs, by key; the secret of a database's URL is read."""
    found = dict(_of_sources(config))
    if (extra := _of_url(config.ledger_url.get_secret_value())) is not None:
        found["ledger.url"] = extra
    if config.alerts.urls:
        found["alerts.urls"] = "alerts"
    return found


def _of_sources(config: Config) -> Iterator[tuple[str, Extra]]:
    for name, source in config.sources.items():
        settings: Any = source.settings
        if not source.common.enabled:
            continue
        if getattr(settings, "sftp", None) is not None:
            yield f"sources.{name}.sftp", "sftp"
        if getattr(settings, "bucket", None) is not None:
            yield f"sources.{name}.bucket", "bucket"
        if source.common.type == "sql" and (extra := _of_url(settings.url.get_secret_value())) is not None:
            yield f"sources.{name}.url", extra
        if source.common.type == "poslog":
            yield f"sources.{name}.type", "poslog"
        if any(ending in str(getattr(settings, "pattern", "")).lower() for ending in _WORKBOOKS):
            yield f"sources.{name}.pattern", "workbooks"


def _of_url(url: str) -> Extra | None:
    return _DATABASES.get(url.partition(":")[0].partition("+")[0])


def missing_extras(config: Config) -> list[ConfigProblem]:
    """Return a problem for each key that needs an extra which is not installed."""
    return [
        ConfigProblem(key, "", f"needs the extra {extra}, which is not installed")
        for key, extra in needed_extras(config).items()
        if not is_installed(extra)
    ]


def check_extras(config: Config) -> None:
    """Check that every extra that a config needs is installed.

    Raises:
        ConfigError: some are not; the cure is the command that installs them.

    """
    missing = {key: extra for key, extra in needed_extras(config).items() if not is_installed(extra)}
    if missing:
        problems = missing_extras(config)
        cure = f"Install what is missing: {install_command(set(missing.values()))}"
        raise ConfigError("this config needs more than is installed:", problems, cure)
