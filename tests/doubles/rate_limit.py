"""BigCommerce's rate limit over simulated time, and a backfill beside live sales that keeps to it by syncd's own ``Pace``."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from syncd.bigcommerce.governor import Pace


@dataclass
class Window:
    """A store's rate limit: ``quota`` calls in a window that begins with whichever call comes after its end."""

    quota: int
    length: float
    used: int = 0
    ends: float = 0.0

    def call(self, now: float) -> bool:
        """Count a call; False where it is one too many."""
        if now >= self.ends:
            self.used, self.ends = 0, now + self.length
        self.used += 1
        return self.used <= self.quota

    def headers(self, now: float) -> dict[str, str]:
        """What an answer tells of it."""
        return {
            "X-Rate-Limit-Requests-Quota": str(self.quota),
            "X-Rate-Limit-Requests-Left": str(max(self.quota - self.used, 0)),
            "X-Rate-Limit-Time-Window-Ms": str(int(self.length * 1000)),
            "X-Rate-Limit-Time-Reset-Ms": str(int(max(self.ends - now, 0) * 1000)),
        }


@dataclass
class Simulated:
    """What a simulated backfill came to: seconds to its last answer, calls that met a 429, and the wait of each live sale."""

    took_s: float = 0.0
    refused: int = 0
    live_s: list[float] = field(default_factory=list)


def simulate_backfill(
    window: Window, orders: int, live_at: Sequence[float], threads: int, latency_s: float
) -> Simulated:
    """Send a backfill beside live sales that come at ``live_at``; live calls go first, each answer takes ``latency_s``."""
    pace, now, came, found = Pace(1.0), 0.0, deque(live_at), Simulated()
    waiting, under_way, left = deque[float](), list[tuple[float, float | None]](), orders
    while left or waiting or under_way:
        while came and came[0] <= now:
            waiting.append(came.popleft())
        delay = pace.delay(now)
        if (left or waiting) and len(under_way) < threads and delay <= 0:
            pace.take(now)
            if not window.call(now):
                found.refused += 1
            began = waiting.popleft() if waiting else None
            left -= began is None
            heapq.heappush(under_way, (now + latency_s, began))
            continue
        free = (left or waiting) and len(under_way) < threads
        now = min(
            under_way[0][0] if under_way else float("inf"),
            now + max(delay, 1e-6) if free else float("inf"),
            came[0] if came else float("inf"),
        )
        while under_way and under_way[0][0] <= now:
            _, began = heapq.heappop(under_way)
            pace.saw(window.headers(now), now)
            pace.give_back()
            pace.well()
            if began is not None:
                found.live_s.append(now - began)
            else:
                found.took_s = now
    return found
