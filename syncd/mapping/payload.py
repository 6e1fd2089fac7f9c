"""What the mapper returns: a payload with its decisions, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

Payload = dict[str, JsonValue]
"""The JSON body of POST /v2/orders; amounts are text."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a part of the payload is as it is: ``about`` names the part ("line 2"), ``choice`` what was done, ``why`` the rule."""

    about: str
    choice: str
    why: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """A payload and the decisions behind it, in the order in which they were made."""

    payload: Payload
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """No payload: a person must look."""

    why: str
    cure: str


@dataclass(frozen=True, slots=True)
class Declined:
    """No payload: a rule of the config says that such a sale is rejected."""

    why: str
    cure: str
