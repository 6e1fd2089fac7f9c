"""A request as the views see it, and what they answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from msgspec import Struct, field
from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from syncd.roles import Role

_MOST_FIELDS = 1_000
_MOST_PARTS = 20
_MOST_ID = 2**62  # what a database's integers hold


class UploadedFile(Struct, frozen=True):
    """A file of a form: the name that the browser gave, and its bytes."""

    name: str
    content: bytes


class PageRequest(Struct, frozen=True):
    """Who asks for what. ``query`` and ``form`` hold printable text alone."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, tuple[str, ...]]
    named: Mapping[str, Any]
    who: str | None
    csrf: str
    role: Role = Role.VIEWER
    upload: UploadedFile | None = None

    @property
    def actor(self) -> str:
        """As the audit names whoever asks."""
        return f"page:{self.who or 'local'}"

    @property
    def may_decide(self) -> bool:
        """Whether whoever asks may change anything."""
        return self.role is not Role.VIEWER

    def first(self, name: str) -> str:
        """Return the one value of a form's field, empty where it has none."""
        return next(iter(self.form.get(name, ())), "")

    def number(self, name: str) -> int | None:
        """Return a number of the path that may be a row's, else None."""
        value = self.named.get(name)
        return value if isinstance(value, int) and 0 <= value < _MOST_ID else None


class HtmlPage(Struct, frozen=True):
    """A page to be rendered."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


class Redirect(Struct, frozen=True):
    """Look there instead."""

    to: str


class Download(Struct, frozen=True):
    """A file, line by line."""

    name: str
    lines: Iterator[str]


PageResult = HtmlPage | Redirect | Download


def fields(text: str) -> dict[str, tuple[str, ...]]:
    """Return the fields of a form or a query string. Control characters are left out: no database and no log wants them.

    Raises:
        ValueError: there are more of them than any form of ours has.

    """
    found = parse_qs(text, errors="replace", max_num_fields=_MOST_FIELDS)
    return {_clean(name): tuple(_clean(value) for value in values) for name, values in found.items()}


async def parts(
    headers: Headers, body: AsyncGenerator[bytes, None]
) -> tuple[dict[str, tuple[str, ...]], UploadedFile | None]:
    """Return the fields of a form with a file, and the file; None where none was chosen.

    Raises:
        ValueError: it is no such form, or has more parts than any form of ours.

    """
    try:
        form = await MultiPartParser(headers, body, max_files=1, max_fields=_MOST_PARTS).parse()
    except (MultiPartException, MultipartParseError, KeyError, UnicodeError) as error:
        msg = f"it cannot be taken apart ({type(error).__name__})"
        raise ValueError(msg) from None
    found: dict[str, tuple[str, ...]] = {}
    upload = None
    try:
        for name, value in form.multi_items():
            if isinstance(value, str):
                found[_clean(name)] = (*found.get(_clean(name), ()), _clean(value))
            elif value.filename:
                upload = UploadedFile(_clean(value.filename), await value.read())
    finally:
        await form.close()
    return found, upload


def _clean(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()
