"""A local BigCommerce to try things on and to test against. It knows nothing of syncd, and no real store's data."""

from syncd.sandbox.server import Sandbox, run_forever
from syncd.sandbox.settings import SandboxSettings

__all__ = ["Sandbox", "SandboxSettings", "run_forever"]
