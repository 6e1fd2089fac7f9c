"""The store's rate limit: fixed windows and the headers that tell of them.

Source: https://developer.bigcommerce.com/docs/start/best-practices/api-rate-limits
"""

from __future__ import annotations

from dataclasses import dataclass, field

UNLIMITED = 1_000_000


@dataclass(slots=True)
class Quota:
    """Requests per window; times in seconds on any steady clock."""

    quota: int
    window_ms: int
    began: float = 0.0
    used: int = 0
    refused: int = 0
    windows: list[tuple[float, int, int]] = field(default_factory=list)  # of those that ended: began, used, refused

    def spend(self, now: float) -> bool:
        """Count a request; False where the window's quota is used up."""
        if now - self.began >= self.window_ms / 1000:
            if self.used:
                self.windows.append((self.began, self.used, self.refused))
            self.began, self.used, self.refused = now, 0, 0
        if self.used >= (self.quota or UNLIMITED):
            self.refused += 1
            return False
        self.used += 1
        return True

    def headers(self, now: float) -> dict[str, str]:
        """Return the four headers on every answer."""
        quota = self.quota or UNLIMITED
        reset = max(0, self.window_ms - int((now - self.began) * 1000))
        return {
            "X-Rate-Limit-Time-Window-Ms": str(self.window_ms),
            "X-Rate-Limit-Time-Reset-Ms": str(reset),
            "X-Rate-Limit-Requests-Quota": str(quota),
            "X-Rate-Limit-Requests-Left": str(max(quota - self.used, 0)),
        }
