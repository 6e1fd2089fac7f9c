"""ARTS/NRF POSLog files: what the tills of larger chains write, in the dialects of their vendors."""
