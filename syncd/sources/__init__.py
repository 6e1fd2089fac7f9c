"""The sources: adapters that turn what a POS gives into canonical orders. They know no ledger and no BigCommerce."""

from syncd.sources.base import Finding, ReadsFiles, Source, SourceContext, Watching

__all__ = ["Finding", "ReadsFiles", "Source", "SourceContext", "Watching"]
