"""What is wrong with a config, in words: each problem with its key, what was found there, and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd import logs
from syncd.config.model import NAME, ROOMS, Tables
from syncd.errors import ConfigProblem
from syncd.mapping.rules import CheckoutRules
from syncd.secret import ALLOWED, masked
from syncd.settings import (
    LISTEN,
    AlertSettings,
    IntakeSettings,
    LedgerSettings,
    LogSettings,
    ServiceSettings,
    WebSettings,
)

_SENSITIVE = re.compile(f"{logs.SECRET_NAMES.pattern}|url$", re.IGNORECASE)
_MAX_SHOWN = 60
_PATTERNS = {
    r"^[A-Z]{3}$": "must be a currency code such as USD",
    r"^[A-Z]{2}$": "must be a country code such as US",
    r"^https?://": "must be a URL, https:// and all",
    LISTEN: 'must be an address and a port, such as "127.0.0.1:8787"',
    r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,62})?$": "must be a name of letters, digits, dots, dashes and underscores",
    NAME: "must be a name of letters, digits, dots, dashes and underscores",
}

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], data: object, at: tuple[str, ...], problems: list[ConfigProblem]) -> M | None:
    """Return a table as its model, whose keys begin with ``at``; None where it has problems, which are added to ``problems``."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems += [_problem(detail, at, model) for detail in error.errors(include_url=False)]
        return None


def _problem(detail: ErrorDetails, at: tuple[str, ...], model: type[BaseModel]) -> ConfigProblem:
    path = [*at, *(str(part) for part in detail["loc"] if str(part) not in ROOMS and str(part) != "[key]")]
    kind, message = detail["type"], detail["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return ConfigProblem(".".join(path), "", "is required")
    if kind == "extra_forbidden":
        if _is_old(tuple(path)):
            return ConfigProblem(".".join(path), "", "is a key of an earlier syncd: syncd config upgrade")
        near = difflib.get_close_matches(path[-1], _known_keys(model), n=1)
        return ConfigProblem(".".join(path), "", "is not a known key" + (f"; did you mean {near[0]}?" if near else ""))
    secret = (
        _SENSITIVE.search(path[-1]) or message == ALLOWED
    )  # a secret in clear, under whatever name an adapter has for it
    tells = not secret and not isinstance(detail["input"], Mapping | list)
    told = detail["input"]
    found = repr(masked(told) if isinstance(told, str) else told)[:_MAX_SHOWN] if tells else ""
    if kind == "string_pattern_mismatch":
        message = _PATTERNS.get(str((detail.get("ctx") or {}).get("pattern")), "is not written as it must be")
    elif kind == "model_type":
        message = f"must be a table: [{'.'.join(path)}]"
    elif kind in ("tuple_type", "list_type"):
        message = 'must be a list, such as ["a", "b"]'
    return ConfigProblem(".".join(path), found, message[:1].lower() + message[1:])


def _is_old(path: tuple[str, ...]) -> bool:
    from syncd.config.upgrade import is_old  # noqa: PLC0415  only a config with an unknown key needs it

    return is_old(path)


def _known_keys(model: type[BaseModel]) -> list[str]:
    if model is not Tables:
        return list(model.model_fields)
    models: list[type[BaseModel]] = [
        *ROOMS.values(),
        Tables,
        LedgerSettings,
        LogSettings,
        ServiceSettings,
        IntakeSettings,
        WebSettings,
        AlertSettings,
        CheckoutRules,
    ]
    return [key for known in models for key in known.model_fields]
