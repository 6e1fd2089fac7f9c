"""What only some shops need, and install besides: the extras of the package, what each brings, and how it is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from syncd.errors import SyncdError

Extra = Literal["alerts", "bucket", "fleet", "mysql", "poslog", "postgresql", "sftp", "workbooks"]
EXTRAS: tuple[Extra, ...] = get_args(Extra)
_PACKAGES: dict[Extra, str] = {
    "alerts": "apprise",
    "bucket": "obstore",
    "fleet": "procrastinate",
    "mysql": "pymysql",
    "poslog": "lxml",
    "postgresql": "psycopg",
    "sftp": "paramiko",
    "workbooks": "python_calamine",
}


def is_installed(extra: Extra) -> bool:
    """Whether the package that an extra brings is there, were it installed a moment ago."""
    invalidate_caches()
    return find_spec(_PACKAGES[extra]) is not None


def extra_of(package: str | None) -> Extra | None:
    """Return the extra that brings a package; None where it belongs to none."""
    return next((extra for extra, name in _PACKAGES.items() if name == package), None)


def install_command(extras: Iterable[str]) -> str:
    """Return the command that installs extras where this syncd runs: of pipx, uv or a virtual environment.

    It takes the extras of the syncd that is installed, so that it works for one from a clone or a wheel, too.
    """
    what = f"'syncd[{','.join(sorted(extras))}]'"
    home = Path(sys.prefix)
    if "pipx" in home.parts:
        return f"pipx runpip {home.name} install {what}"
    if home.parent.name == "tools" and "uv" in home.parts:
        return f"uv pip install --python {home} {what}"
    pip = home / "bin" / "pip"
    return f"{pip if sys.prefix != sys.base_prefix and pip.exists() else 'python3 -m pip'} install {what}"


def require(extra: Extra, what: str, error: type[SyncdError]) -> None:
    """Check that an extra is installed.

    Raises:
        SyncdError: of the type ``error``: it is not; the cure is the command that installs it.

    """
    if not is_installed(extra):
        cure = f"Install it: {install_command([extra])}"
        raise error(f"{what} needs the extra {extra}, which is not installed", cure=cure)
