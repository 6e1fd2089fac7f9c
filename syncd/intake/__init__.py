"""The left half of the flow: from a source into the ledger. Knows nothing of BigCommerce."""

from syncd.intake.poll import Polled, poll
from syncd.intake.route import router

__all__ = ["Polled", "poll", "router"]
