"""Answers in BigCommerce's shapes: V2's error list, V3's error object, 204 for an empty V2 list."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Answer:
    """An HTTP answer before it is put on the wire; ``commit`` names the order that it made."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    made: int | None = None


class Refusal(Exception):
    """A request that the API refuses; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def ok(document: object, status: int = 200) -> Answer:
    """Return a JSON answer."""
    return Answer(status, json.dumps(document, separators=(",", ":")).encode())


def v2_list(items: Sequence[object]) -> Answer:
    """Return a V2 list; an empty one has no body."""
    return ok(items) if items else Answer(204)


def v3_list(items: Sequence[object], total: int, page: int, limit: int) -> Answer:
    """Return a V3 list with its paging."""
    pages = max(1, -(-total // limit))
    paging = {
        "total": total,
        "count": len(items),
        "per_page": limit,
        "current_page": page,
        "total_pages": pages,
        "links": {},
    }
    return ok({"data": items, "meta": {"pagination": paging}})


def v2_error(status: int, message: str, details: Mapping[str, Any] | None = None) -> Answer:
    """Return a V2 error."""
    error: dict[str, Any] = {"status": status, "message": message}
    return ok([error | ({"details": dict(details)} if details else {})], status)


def v3_error(status: int, title: str, errors: Mapping[str, str] | None = None) -> Answer:
    """Return a V3 error."""
    kind = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"
    return ok({"status": status, "title": title, "type": kind, "errors": dict(errors or {})}, status)


def invalid(field_name: str, reason: str) -> Refusal:
    """Return the V2 refusal of a field."""
    return Refusal(v2_error(400, f"The field '{field_name}' is invalid.", {"invalid_reason": reason}))
