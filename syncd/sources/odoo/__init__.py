"""Odoo Point of Sale: over its RPC, or (preset ``odoo`` of ``sql``) from its PostgreSQL database."""
