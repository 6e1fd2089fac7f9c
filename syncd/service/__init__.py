"""The daemon's life: scheduler, signals, readiness, health. Holds no logic of sales."""

from syncd.service.daemon import run_daemon

__all__ = ["run_daemon"]
