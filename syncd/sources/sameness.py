"""Whether two configured sources read the same thing: each of its sales would become two orders, in silence.

The same folder (through links, or one within the other), the same folder on an SFTP server, the same database with the same preset,
the same account. Two sources that share a folder are two where their types or their patterns can never take the same file; two of
one account are two where each names locations of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

_ACCOUNT = ("merchant_id", "prefix", "shop", "token", "refresh_token", "client_id")
_ALSO = ("api_url", "url", "database")
_WILD = "*?["


def same_sources(sources: Mapping[str, tuple[str, BaseModel]], home: Path) -> list[tuple[str, str, str]]:
    """The pairs of sources, by name, that read the same, with what that is in words; ``home`` is where relative paths begin.

    ``sources`` are each source's type and its settings.
    """
    found = []
    for (one, (kind, settings)), (other, (other_kind, others)) in combinations(sources.items(), 2):
        if hasattr(settings, "path") and hasattr(others, "path"):
            what = (
                _same_folder(settings, others, home) if _take_the_same((kind, settings), (other_kind, others)) else ""
            )
        else:
            what = _same_account(settings, others) if kind == other_kind else ""
        if what:
            found.append((one, other, what))
    return found


def _take_the_same(one: tuple[str, Any], other: tuple[str, Any]) -> bool:
    """Whether some file may be both sources': kinds that read other endings, or patterns that exclude each other, say no."""
    if one[0] != other[0]:
        return False
    first, second = (str(settings.pattern) for _, settings in (one, other))
    heads, tails = [[_until_wild(text) for text in (first, second)], [_until_wild(t[::-1]) for t in (first, second)]]
    return _agree(heads) and _agree(tails)


def _until_wild(pattern: str) -> str:
    """The part of a pattern before its first wildcard."""
    return pattern[: next((place for place, char in enumerate(pattern) if char in _WILD + "]"), len(pattern))]


def _agree(parts: list[str]) -> bool:
    return parts[0].startswith(parts[1]) or parts[1].startswith(parts[0])


def _same_folder(one: Any, other: Any, home: Path) -> str:  # noqa: ANN401  any adapter's settings
    if (one.sftp is None) != (other.sftp is None):
        return ""
    if one.sftp is not None:
        places = [(s.sftp.host.lower(), s.sftp.port, s.sftp.path.strip("/") or ".") for s in (one, other)]
        return f"the folder {places[0][2]} on {places[0][0]}" if places[0] == places[1] else ""
    first, second = ((home / settings.path).resolve() for settings in (one, other))
    if first == second:
        return f"the folder {first}"
    outer, inner = sorted((first, second), key=lambda path: len(path.parts))
    return f"the folder {inner}, which lies within {outer}" if inner.is_relative_to(outer) else ""


def _same_account(one: BaseModel, other: BaseModel) -> str:
    first, second = _plain(one), _plain(other)
    if any(first.get(name) != second.get(name) for name in (*_ALSO, "preset")):
        return ""
    if "database" in first or (first.get("url") and "preset" in first):
        return "the same database"
    same = [name for name in _ACCOUNT if first.get(name) and first.get(name) == second.get(name)]
    places = [set(values.get("locations") or ()) for values in (first, second)]
    apart = all(places) and not places[0] & places[1]
    return "the same account" if same and not apart else ""


def _plain(settings: BaseModel) -> dict[str, Any]:
    """The settings as they are, those within others too; secrets in clear, for they are only compared."""
    found: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            found |= {inner: kept for inner, kept in _plain(value).items() if inner in _ACCOUNT}
        else:
            found[name] = value.get_secret_value() if isinstance(value, SecretStr) else value
    return found
