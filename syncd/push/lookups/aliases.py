"""SKU aliases: a CSV file that says which code of the till means which SKU of the catalog; read anew when it changes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from syncd.errors import ConfigError
from syncd.logs import get_logger
from syncd.mapping import normal_code

_CURE = "Give it two columns, the till's code and the catalog's SKU: 4006381333931,PEN-BLUE"


class Aliases:
    """The aliases of one store, by the till's code; both sides blank-stripped and upper case."""

    def __init__(self, path: Path | None) -> None:
        """Read the file at once.

        Raises:
            ConfigError: it cannot be read: sales must not go out as if it were empty.

        """
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._known: Mapping[str, str] = {}
        if path is not None:
            try:
                self._read(path)
            except OSError as error:
                raise ConfigError(f"{path} cannot be read: {error.strerror}", cure=_CURE) from None

    def current(self) -> Mapping[str, str]:
        """The aliases as the file says them now; while it cannot be read, as it said them last."""
        if self._path is not None:
            try:
                self._read(self._path)
            except (OSError, ConfigError) as error:
                get_logger().warning("aliases_not_read", path=str(self._path), why=str(error))
        return self._known

    def _read(self, path: Path) -> None:
        stat = path.stat()
        if (stat.st_mtime_ns, stat.st_size) != self._seen:
            self._known = read_aliases(path)
            self._seen = (stat.st_mtime_ns, stat.st_size)
            get_logger().info("aliases_read", path=str(path), aliases=len(self._known))


def read_aliases(path: Path) -> dict[str, str]:
    """The aliases of a file.

    Raises:
        ConfigError: a line has not two columns, or one code has two meanings.
        OSError: the file cannot be read.

    """
    known: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for number, row in enumerate(csv.reader(lines), start=1):
            if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
                continue
            if len(row) != 2 or not row[0].strip() or not row[1].strip():
                raise ConfigError(f"{path}, line {number} is no alias: {','.join(row)[:80]!r}", cure=_CURE)
            code, sku = normal_code(row[0]), normal_code(row[1])
            if known.setdefault(code, sku) != sku:
                raise ConfigError(f"{path}, line {number}: {code} already means {known[code]}", cure=_CURE)
    return known
