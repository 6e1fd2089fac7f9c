"""The settings of a store that decide about its sales: retries, waits and threads (``[stores.<name>]``), and the mapping rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Struct, field
from pydantic import BaseModel, ConfigDict, Field

from syncd.durations import Duration
from syncd.mapping.rules import Rules


class PushPolicy(BaseModel):
    """Push timing of one store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: Annotated[int, Field(ge=1, le=64)] = 8
    settle: Duration = timedelta(seconds=60)
    look_up: Literal["by_key", "by_list"] = "by_key"
    intent_life: Duration = timedelta(seconds=20)
    back_off: Duration = timedelta(seconds=2)
    back_off_most: Duration = timedelta(minutes=5)
    probe_gap: Duration = timedelta(seconds=30)
    probe_gap_most: Duration = timedelta(minutes=15)


class StorePolicy(Struct, frozen=True):
    """What a store's sales are decided by; without rules (the config no longer names the store) only what needs none is decided."""

    rules: Rules | None = None
    push: PushPolicy = field(default_factory=PushPolicy)
