"""A folder in a bucket: its files are fetched whole into the drop folder, and moved there or left.

A bucket shows a file once it is there as a whole. It is on our disk, of the size that the bucket told, before it goes by its own
name.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions
from obstore.store import from_url

from syncd.canonical import Fault
from syncd.clock import Clock
from syncd.errors import SourceError
from syncd.sources.errors import SourceAccessDenied, SourceUnavailable
from syncd.sources.fetched import LARGEST, MOST, RemoteFile, check_room, is_here, oversize
from syncd.sources.own_files import create, free_name
from syncd.sources.remote_settings import BucketSettings

if TYPE_CHECKING:
    from obstore import GetOptions

_CHUNK = 1 << 20
_ANSWER = timedelta(seconds=30)
_MISSING = (FileNotFoundError, exceptions.NotFoundError)  # the library raises the one or the other
_CHANGED = (exceptions.PreconditionError, *_MISSING)
_NOT_ALLOWED = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)


@dataclass(slots=True)
class Bucket:
    """The bucket's folder."""

    settings: BucketSettings
    clock: Clock
    stop: threading.Event
    _told: set[RemoteFile] = field(default_factory=set)

    @property
    def shown(self) -> str:
        """Where it is."""
        return self.settings.url

    def bring(self, folder: Path, wanted: Callable[[str], bool], settle: timedelta) -> Iterator[Fault]:
        """Fetch what is there into ``folder``, each file by itself; what cannot be fetched is reported once.

        Raises:
            Denied: the bucket does not let us in, or its files may not be moved.
            Unavailable: it does not answer, or not in time.

        """
        del settle  # a bucket shows no file that is still being written
        end = self.clock.elapsed().seconds + self.settings.patience.total_seconds()
        kept: SourceError | None = None
        with self._errors():
            store = _store(self.settings)
            for one in self._listed(store, wanted):
                if self.stop.is_set():
                    return
                if self.clock.elapsed().seconds > end:
                    raise SourceUnavailable(f"{self.shown} answers too slowly: {self.settings.patience} are over")
                if is_here(folder, one) and self.settings.after == "keep":
                    continue
                try:
                    if why := self._fetch(store, one, folder):
                        yield from self._once(one, why)
                except SourceAccessDenied as denied:
                    kept = denied
        if kept is not None:
            raise kept

    def look(self, wanted: Callable[[str], bool]) -> int:
        """How many files wait there. Errors as ``bring``."""
        with self._errors():
            return len(self._listed(_store(self.settings), wanted))

    def _once(self, one: RemoteFile, why: str) -> Iterator[Fault]:
        if one not in self._told:
            self._told.add(one)
            yield Fault(one.name, f"{self.shown}: {why}", "")

    def _listed(self, store: Any, wanted: Callable[[str], bool]) -> list[RemoteFile]:  # noqa: ANN401  any of the library's stores
        found = []
        for about in obstore.list_with_delimiter(store)["objects"]:
            name = str(about["path"])
            if "/" in name or name.startswith(".") or not wanted(name):
                continue
            found.append(
                RemoteFile(name, int(about["size"]), int(about["last_modified"].timestamp()), str(about["e_tag"] or ""))
            )
            if len(found) > MOST:
                raise SourceUnavailable(f"{self.shown} lists more than {MOST} files", "Move old ones away.")
        return sorted(found, key=lambda one: (one.stamp, one.name))

    def _fetch(self, store: Any, one: RemoteFile, folder: Path) -> str:  # noqa: ANN401  as above
        """One file: whole on the disk, then by its own name, then away over there. Why it cannot be taken, where it cannot."""
        if one.size > LARGEST:
            return oversize()
        check_room(folder, one)
        part = folder / f".{one.name}.part"
        part.unlink(missing_ok=True)  # of a visit that was cut off
        try:
            options: GetOptions = {"if_match": one.tag} if one.tag else {}
            with create(part) as out:
                for chunk in obstore.get(store, one.name, options=options).stream(min_chunk_size=_CHUNK):
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            if part.stat().st_size != one.size:
                return f"the bucket says that it has {one.size} bytes, and gave {part.stat().st_size}"
            os.utime(part, (one.stamp, one.stamp))
            part.rename(free_name(folder / one.name))
        except _CHANGED:
            return ""  # it was replaced or taken away meanwhile: it is fetched again, if it is there
        finally:
            part.unlink(missing_ok=True)
        if self.settings.after == "move":
            self._move_away(store, one)
        return ""

    def _move_away(self, store: Any, one: RemoteFile) -> None:  # noqa: ANN401  as above
        """Into ``processed/`` over there, under a name that is free; a file that was replaced meanwhile stays."""
        try:
            target = next(name for number in range(100) if not _exists(store, name := _processed(one.name, number)))
            obstore.copy(store, one.name, target)
            if str(obstore.head(store, one.name)["e_tag"] or "") == one.tag:
                obstore.delete(store, one.name)
        except StopIteration:
            raise SourceUnavailable(
                f"{self.shown}: processed/ has a hundred files named {one.name}", "Clear it."
            ) from None
        except _NOT_ALLOWED as error:
            cure = 'Let the key write and delete there, or set after = "keep".'
            raise SourceAccessDenied(
                f"{self.shown}: {one.name} cannot be moved to processed/: {_words(error)}", cure
            ) from None
        except _MISSING:
            return  # somebody took it away

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Yield the library's errors as ours."""
        try:
            yield
        except _NOT_ALLOWED as error:
            cure = "Check the keys, and that they may list and read there."
            raise SourceAccessDenied(f"{self.shown} does not let us in: {_words(error)}", cure) from None
        except (exceptions.BaseError, OSError, ValueError) as error:
            cure = "Check url, region and endpoint; syncd continues automatically once the bucket answers."
            raise SourceUnavailable(f"{self.shown} cannot be used: {_words(error)}", cure) from None


def _store(settings: BucketSettings) -> Any:  # noqa: ANN401  as above
    keys: dict[str, Any] = {
        "aws_access_key_id": settings.access_key,
        "aws_secret_access_key": settings.secret_key,
        "google_service_account_key": settings.service_account,
        "azure_storage_account_key": settings.account_key,
    }
    config = {name: key.get_secret_value() for name, key in keys.items() if key is not None}
    plain = {
        "aws_region": settings.region or ("us-east-1" if settings.endpoint else None),
        "aws_endpoint": settings.endpoint,
        "azure_storage_account_name": settings.account,
    }
    config |= {name: value for name, value in plain.items() if value is not None}
    client: dict[str, Any] = {"timeout": _ANSWER, "allow_http": str(settings.endpoint or "").startswith("http://")}
    return from_url(
        settings.url,
        config=config,  # type: ignore[call-overload]  # one dictionary for three kinds of stores
        client_options=client,
        retry_config={"max_retries": 2, "retry_timeout": _ANSWER},
    )


def _processed(name: str, number: int) -> str:
    return f"processed/{name}" if not number else f"processed/{number}-{name}"


def _exists(store: Any, name: str) -> bool:  # noqa: ANN401  as above
    try:
        obstore.head(store, name)
    except _MISSING:
        return False
    return True


def _words(error: Exception) -> str:
    """Return the first line of an error: further ones repeat the request."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
