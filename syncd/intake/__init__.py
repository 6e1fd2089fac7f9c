"""The left half of the flow: from a source into the ledger. Knows nothing of BigCommerce."""

from syncd.intake.linking import link_where_one_fits
from syncd.intake.poll import PollReport, poll
from syncd.intake.webhook_fetch import fetch_announced

__all__ = ["PollReport", "fetch_announced", "link_where_one_fits", "poll"]
