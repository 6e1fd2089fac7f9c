"""A till's own database, read with queries: by preset, or with a shop's own."""
