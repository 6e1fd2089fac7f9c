"""What the daemon notes every minute of each store that it pushes to: how much of the quota was used. Kept for two days."""

from __future__ import annotations

import json

from syncd.app import App

KIND = "quota"


class Samples:
    """Notes how many calls went out since the last note."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._last: dict[str, tuple[float, int]] = {}

    def take(self) -> None:
        """Note every store's use of its quota since the last time, as a share of what the window allows."""
        for name, store in self._app.stores.items():
            seen, now = store.governor.report(), self._app.clock.elapsed().seconds
            before, self._last[name] = self._last.get(name), (now, seen.calls)
            if before is None or not seen.quota or now <= before[0]:
                continue
            allowed = seen.quota * (now - before[0]) / seen.window_s
            at = self._app.clock.now()
            sample = {"at": at.isoformat(timespec="seconds"), "used": round((seen.calls - before[1]) / allowed, 4)}
            self._app.ledger.cache.put(name, KIND, {f"{at:%Y-%m-%dT%H:%M}": json.dumps(sample)})
