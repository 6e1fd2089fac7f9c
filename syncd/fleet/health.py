"""How the sources of a fleet do, as the health of one daemon that would poll them all."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.app import App
from syncd.clock import BootTime, Now
from syncd.ledger import SourceTurn
from syncd.service.health import HealthPart
from syncd.service.job_names import poll_job

_ELSEWHERE = "another boot"


def source_parts(app: App, turns: Iterable[SourceTurn]) -> dict[str, HealthPart]:
    """Return the part of each source's poll, by the name of its job; those that left the config have none."""
    parts = {}
    for turn in turns:
        if (till := app.tills.get(turn.source)) is not None:
            gap = max(2 * till.config.common.every, app.config.service.healthy_within)
            parts[poll_job(turn.source)] = HealthPart(gap, Now(turn.last_ok_at, BootTime(_ELSEWHERE, 0.0)), turn.why)
    return parts
