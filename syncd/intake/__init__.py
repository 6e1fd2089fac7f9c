"""The left half of the flow: from a source into the ledger. Knows nothing of BigCommerce."""

from syncd.intake.hinted import fetch_hinted
from syncd.intake.linking import link_where_one_fits
from syncd.intake.poll import Polled, poll

__all__ = ["Polled", "fetch_hinted", "link_where_one_fits", "poll"]
