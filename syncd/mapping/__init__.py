"""The mapper: a canonical order and its matches in, a payload out. Pure; knows no HTTP, no ledger and no POS."""
