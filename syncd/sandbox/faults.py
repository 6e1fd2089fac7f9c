"""Faults on demand: which request suffers which, by number, by chance from a seed, or by how many are left."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

FaultKind = Literal[
    "drop_before_commit",
    "drop_after_commit",
    "late_commit",
    "5xx_before",
    "5xx_after",
    "429",
    "429_bare",
    "429_retry_after",
    "429_as_500",
    "401",
    "423",
    "507",
    "suspended",
    "garbage_body",
    "truncated_body",
    "slow_body",
    "slow_headers",
    "redirect",
    "swap_answer",
    "rewrite_total",
    "hang",
]
KINDS: frozenset[str] = frozenset(get_args(FaultKind))


@dataclass(slots=True)
class InjectedFault:
    """One rule: requests of ``method`` whose path holds ``path``, and whose body holds ``body``, suffer ``kind``.

    ``nth`` names requests by their number among those that fit (from 1); else ``probability`` decides. ``times`` bounds how
    often it strikes. ``seconds`` is how late or slow, ``status`` the 5xx that is answered.
    """

    kind: str
    method: str = ""
    path: str = ""
    body: str = ""
    probability: float = 1.0
    nth: frozenset[int] = frozenset()
    times: int | None = None
    seconds: float = 1.0
    status: int = 503
    seen: int = 0
    struck: int = 0

    def strikes(self, asked: tuple[str, str, bytes], dice: random.Random) -> bool:
        """Whether this request suffers; counts it where it fits."""
        method, path, body = asked
        if (self.method and method != self.method) or self.path not in path or self.body.encode() not in body:
            return False
        self.seen += 1
        chance = dice.random()
        if self.times is not None and self.struck >= self.times:
            return False
        hit = self.seen in self.nth if self.nth else chance < self.probability
        self.struck += hit
        return hit


@dataclass(slots=True)
class FaultPlan:
    """The faults in force; the first that strikes wins."""

    faults: list[InjectedFault] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311  replayable on purpose

    def strike(self, method: str, path: str, body: bytes = b"") -> InjectedFault | None:
        """Return the fault that this request suffers."""
        hits = [fault for fault in self.faults if fault.strikes((method, path, body), self.dice)]
        return hits[0] if hits else None


def read_plan(document: Mapping[str, Any], seed: int) -> FaultPlan:
    """``{"seed": 3, "faults": [{"kind": "drop_after_commit", "probability": 0.1, "method": "POST"}]}`` as a plan.

    Raises:
        ValueError: a kind or a field that does not exist.

    """
    faults = []
    for item in document.get("faults", ()):
        if item.get("kind") not in KINDS:
            msg = f"there is no fault {item.get('kind')!r}; there are {', '.join(sorted(KINDS))}"
            raise ValueError(msg)
        try:
            faults.append(InjectedFault(**{**item, "nth": frozenset(item.get("nth", ()))}))
        except TypeError as error:
            raise ValueError(str(error)) from None
    return FaultPlan(faults, random.Random(document.get("seed", seed)))  # noqa: S311  replayable on purpose


def load_plan(path: Path | None, seed: int) -> FaultPlan:
    """Return the plan of a JSON file; no faults without one."""
    return read_plan(json.loads(path.read_text(encoding="utf-8")) if path else {}, seed)
