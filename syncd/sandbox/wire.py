"""An answer as bytes, in the dress that a real store's answers wear.

Recorded of a store on 2026-06-18: header names in lower case, a chunked body without a length or a charset, ``last-modified`` with
an offset, and a counter of an old rate limit that never moves. V2 speaks XML to whoever does not ask for JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from itertools import count
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from syncd.sandbox.answers import Answer

_NUMBERS = count(1)
_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def as_asked(path: str, accept: str, answer: Answer) -> Answer:
    """Return the answer in the tongue that the request asked for: V2 answers XML unless JSON is asked for."""
    if "json" in accept or "/v2/" not in path or not answer.body or answer.kind != "application/json":
        return answer
    names = [part for part in path.split("/") if part and not part.isdigit()]
    root = Element("errors" if answer.status >= 400 else names[-1])
    _fill(root, json.loads(answer.body))
    return Answer(answer.status, _XML + tostring(root), "application/xml", answer.headers, answer.made)


def _fill(element: Element, value: Any) -> None:  # noqa: ANN401  whatever JSON the answer is
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _fill(SubElement(element, str(name)), inner)
    elif isinstance(value, list):
        for inner in value:
            _fill(SubElement(element, element.tag.removesuffix("s") or "item"), inner)
    elif value is not None:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


def to_wire(answer: Answer, *, from_api: bool) -> bytes:
    """Status line, headers and body."""
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head += [f"{name.lower()}: {value}" for name, value in answer.headers.items()]
    if answer.body:
        head.append(f"content-type: {answer.kind}")
    if not from_api:
        return _headed([*head, f"content-length: {len(answer.body)}"]) + answer.body
    head += ["vary: Accept-Encoding", "x-bc-store-version: 7.6.0", "x-bc-apilimit-remaining: 20000"]
    head += [f"x-request-id: {next(_NUMBERS):032x}", f"last-modified: {_now(int(datetime.now(UTC).timestamp()))}"]  # noqa: TID251  a clock of its own
    if answer.status == 204 or not answer.body:
        return _headed(head if answer.status == 204 else [*head, "content-length: 0"])
    return _headed([*head, "transfer-encoding: chunked"]) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer.body), answer.body)


@lru_cache(maxsize=2)
def _now(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))


def _headed(head: list[str]) -> bytes:
    return "\r\n".join([*head, "", ""]).encode("latin-1")
