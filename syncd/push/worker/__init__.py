"""Sends due sales: prepares them in stages, claims and sends them, and settles what is in doubt."""
