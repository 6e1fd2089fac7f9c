"""The store's customers: found by e-mail or phone, made ten at a time; an e-mail belongs to one customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.sandbox.answers import Answer, ok, v3_error

_MOST_AT_ONCE = 10
_FIELDS = ("email", "first_name", "last_name", "company", "phone")


@dataclass(slots=True)
class Customers:
    """Every customer by id, and whom an e-mail belongs to."""

    by_id: dict[int, dict[str, Any]] = field(default_factory=dict)
    by_email: dict[str, int] = field(default_factory=dict)

    def load(self, emails: Iterable[str], people: Iterable[Mapping[str, Any]]) -> None:
        """Replace them all: by e-mail alone, or with names and phone."""
        self.by_id.clear()
        self.by_email.clear()
        for person in (*({"email": email} for email in emails), *people):
            self._add(person)

    def find(self, emails: set[str] | None, phones: set[str] | None) -> list[dict[str, Any]]:
        """Find the customers that fit both filters."""
        if emails is not None:
            chosen = [self.by_id[self.by_email[email]] for email in sorted(emails) if email in self.by_email]
        else:
            chosen = list(self.by_id.values())
        return [one for one in chosen if phones is None or one["phone"].lower() in phones]

    def create(self, wanted: Sequence[Any]) -> Answer:
        """POST: all of them, or none where one is not valid or its e-mail is in use."""
        if not 1 <= len(wanted) <= _MOST_AT_ONCE:
            return v3_error(422, f"Between 1 and {_MOST_AT_ONCE} customers may be created at a time.")
        errors: dict[str, str] = {}
        seen: set[str] = set()
        for place, person in enumerate(wanted):
            for name in ("email", "first_name", "last_name"):
                if not str(person.get(name) or "").strip():
                    errors[f"{place}.{name}"] = "is required"
            email = str(person.get("email") or "").lower()
            if email in self.by_email or email in seen:
                errors[f"{place}.email"] = "is in use"
            seen.add(email)
        if errors:
            return v3_error(422, "Create customers failed.", errors)
        return ok({"data": [self._add(person) for person in wanted], "meta": {}})

    def _add(self, person: Mapping[str, Any]) -> dict[str, Any]:
        number = len(self.by_id) + 1
        said = {name: str(person.get(name) or "") for name in _FIELDS}
        said["email"] = said["email"].lower()
        named = {
            name: person[name] for name in ("customer_group_id", "channel_ids", "origin_channel_id") if name in person
        }
        made = self.by_id[number] = {"id": number, "customer_group_id": 0, **said, **named}
        self.by_email[said["email"]] = number
        return made
