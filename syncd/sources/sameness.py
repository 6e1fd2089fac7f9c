"""What a configured source reads, and whether two of them read the same: each sale would become two orders, in silence.

The same folder (through links, or one within the other), the same folder on an SFTP server, the same database with the same preset,
the same account. Two sources that share a folder are two where their types or their patterns can never take the same file; two of
one account are two where each names locations of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

_NAMES = ("merchant_id", "prefix", "shop")
"""Settings that name an account for good."""
_KEYS = ("token", "refresh_token")
"""Settings that open an account: equal ones open the same, different ones say nothing, for they are renewed."""
_PLACES = ("api_url", "url", "database", "preset")
_PARTS = ("locations", "tills")
_WILD = "*?["


class Reads(BaseModel):
    """What a source reads, without any secret: it is kept in the ledger and compared with what a source of another name reads.

    ``path`` and ``pattern`` of a folder, resolved; ``server`` of a folder on an SFTP server; ``place`` of a database or an API;
    ``account`` names an account; ``parts`` are the locations or tills to which it keeps; ``opens`` are digests of what opens it, to
    compare two sources of one config: ``to_json`` leaves them out.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    path: str = ""
    pattern: str = ""
    server: str = ""
    place: dict[str, str] = {}
    account: dict[str, str] = {}
    parts: tuple[str, ...] = ()
    opens: dict[str, str] = {}

    def to_json(self) -> str:
        """Return what is kept of it."""
        return self.model_dump_json(exclude={"opens"}, exclude_defaults=True)


def reads_of(kind: str, settings: BaseModel, home: Path, *, opens: bool = False) -> Reads:
    """Return what a source of a type reads, by its settings; ``home`` is where relative paths begin.

    ``opens``: with the digests of what opens it, which takes its secrets.

    Raises:
        SecretMissing: what it reads is a secret (a database's URL) that cannot be read here.

    """
    if hasattr(settings, "path"):
        sftp = getattr(settings, "sftp", None)
        server = f"{sftp.host.lower()}:{sftp.port}/{sftp.path.strip('/') or '.'}" if sftp is not None else ""
        if (bucket := getattr(settings, "bucket", None)) is not None:
            server = f"{bucket.endpoint or ''}{bucket.url.rstrip('/')}"
        path = "" if server else str((home / settings.path).resolve())
        return Reads(kind=kind, path=path, pattern=str(getattr(settings, "pattern", "*")), server=server)
    wanted = (*_PLACES, *_NAMES, *_PARTS, *(_KEYS if opens else ()))
    values = _plain(settings, wanted)
    return Reads(
        kind=kind,
        place={name: _without_password(str(values[name])) for name in _PLACES if values.get(name)},
        account={name: str(values[name]).lower() for name in _NAMES if values.get(name)},
        opens={name: _digest(str(values[name])) for name in _KEYS if values.get(name)},
        parts=tuple(sorted(str(part) for name in _PARTS for part in values.get(name) or ())),
    )


def same_sources(sources: Mapping[str, tuple[str, BaseModel]], home: Path) -> list[tuple[str, str, str]]:
    """Return the pairs of sources, by name, that read the same, with what that is in words; ``home`` is where relative paths begin.

    ``sources`` are each source's type and its settings.
    """
    index, found = ReadsIndex(), list[tuple[str, str, str]]()
    for name, (kind, settings) in sources.items():
        reads = reads_of(kind, settings, home, opens=True)
        found += [(other, name, what) for other, what in index.clashes(reads)]
        index.add(name, reads)
    return found


class ReadsIndex:
    """What many sources read, so that one which reads the same as another is found without a look at each."""

    def __init__(self) -> None:
        self._reads: dict[str, Reads] = {}
        self._by: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)

    def add(self, name: str, reads: Reads) -> None:
        """Add a source, by its name."""
        self._reads[name] = reads
        for key in _keys_of(reads):
            self._by[key].append(name)
        for folder in _folders_above(reads):
            self._by["within", reads.kind, folder].append(name)

    def clashes(self, reads: Reads) -> list[tuple[str, str]]:
        """Return the sources that read the same as ``reads``, each with what that is in words."""
        keys = [*_keys_of(reads), *(("path", reads.kind, folder) for folder in _folders_above(reads))]
        keys += [("within", reads.kind, reads.path)] if reads.path else []
        names = dict.fromkeys(name for key in keys for name in self._by.get(key, ()))
        return [(name, what) for name in names if (what := same(self._reads[name], reads))]


def _folders_above(reads: Reads) -> Iterator[str]:
    if reads.path:
        yield from map(str, Path(reads.path).parents)


def _keys_of(reads: Reads) -> Iterator[tuple[str, ...]]:
    """Yield a key for each thing by which ``same`` can find that two sources read the same."""
    if reads.path:
        yield "path", reads.kind, reads.path
    if reads.server:
        yield "server", reads.kind, reads.server
    if reads.place:
        yield "place", reads.kind, *sorted(f"{name}={value}" for name, value in reads.place.items())
    for name, value in (*reads.account.items(), *reads.opens.items()):
        yield "account", reads.kind, name, value


def same(one: Reads, other: Reads) -> str:
    """Return what two sources both read, in words; empty where nothing shows that they do."""
    if one.kind != other.kind:
        return ""
    if one.path or one.server or other.path or other.server:
        return _same_folder(one, other)
    return _same_account(one, other, _shown_same)


def may_be_same(before: Reads, now: Reads) -> str:
    """Return what ``before`` read and ``now`` may read too, in words; empty where something shows that it is another.

    For a source that is gone and one that is new: keys are renewed, so that another key is no sign of another account.
    """
    if before.kind != now.kind or before.path or before.server or now.path or now.server:
        return same(before, now)
    return _same_account(before, now, _not_shown_apart)


def _same_folder(one: Reads, other: Reads) -> str:
    if not _take_the_same(one.pattern, other.pattern) or bool(one.server) != bool(other.server):
        return ""
    if one.server:
        return (
            f"the folder {one.server.partition('/')[2]} on {one.server.partition(':')[0]}"
            if one.server == other.server
            else ""
        )
    first, second = Path(one.path), Path(other.path)
    if first == second:
        return f"the folder {first}"
    outer, inner = sorted((first, second), key=lambda path: len(path.parts))
    return f"the folder {inner}, which lies within {outer}" if inner.is_relative_to(outer) else ""


def _take_the_same(one: str, other: str) -> bool:
    """Whether some file may fit both patterns; patterns that exclude each other say no."""
    return all(_agree(_until_wild(a), _until_wild(b)) for a, b in ((one, other), (one[::-1], other[::-1])))


def _until_wild(pattern: str) -> str:
    """Return the part of a pattern before its first wildcard."""
    return pattern[: next((place for place, char in enumerate(pattern) if char in _WILD + "]"), len(pattern))]


def _agree(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _same_account(one: Reads, other: Reads, shows: Callable[[Reads, Reads], str]) -> str:
    """By what names an account for good where both say it; else as ``shows`` finds by their keys."""
    if one.place != other.place or _are_apart(one, other):
        return ""
    if "database" in one.place or {"url", "preset"} <= one.place.keys():
        return "the same database"
    if names := one.account.keys() & other.account.keys():
        return "the same account" if all(one.account[name] == other.account[name] for name in names) else ""
    return shows(one, other)


def _shown_same(one: Reads, other: Reads) -> str:
    equal = any(
        one.opens.get(name) and one.opens.get(name) == other.opens.get(name) for name in ("token", "refresh_token")
    )
    return "the same account" if equal else ""


def _not_shown_apart(_one: Reads, _other: Reads) -> str:
    return "the same account, as far as syncd can see"


def _are_apart(one: Reads, other: Reads) -> bool:
    """Whether each keeps to parts of the account that the other leaves alone."""
    return bool(one.parts and other.parts) and not set(one.parts) & set(other.parts)


def _without_password(url: str) -> str:
    """Return a URL without the user who reads: another one reads the same."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}" if parts.scheme else url


def _digest(secret: str) -> str:
    return blake2b(secret.encode(), digest_size=16).hexdigest()


def _plain(settings: BaseModel, wanted: Container[str]) -> dict[str, Any]:
    """Return the settings that are wanted, those within others too; secrets in clear, for what is made of them here."""
    found: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            found |= {inner: kept for inner, kept in _plain(value, wanted).items() if inner in _KEYS}
        elif name in wanted:
            found[name] = value.get_secret_value() if isinstance(value, SecretStr) else value
    return found
