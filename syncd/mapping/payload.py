"""What the mapper returns: a payload with its decisions, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import JsonValue

Payload = dict[str, JsonValue]
"""The JSON body of POST /v2/orders; amounts are text."""


class Decision(NamedTuple):
    """Why a part of the payload is as it is: ``about`` names the part ("line 2"), ``choice`` what was done, ``why`` the rule."""

    about: str
    choice: str
    why: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """A payload and the decisions behind it, in the order in which they were made.

    ``said`` is the stamp of what the order says once the payload took effect (see ``stamp``); empty where nobody needs one.
    ``differs``: how the order will still differ from the sale, in words, for what cannot be changed or is a person's.
    """

    payload: Payload
    decisions: tuple[Decision, ...]
    said: str = ""
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """No payload: a person must look; ``order_id`` names the order where there is one."""

    why: str
    cure: str
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """No payload: a rule of the config says that such a sale is rejected."""

    why: str
    cure: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """No payload, for the order already says what the sale says; ``differs`` in words where it does not and stays so.

    ``said`` is the stamp of what the order was found to say.
    """

    decisions: tuple[Decision, ...] = ()
    differs: tuple[str, ...] = ()
    said: str = ""
