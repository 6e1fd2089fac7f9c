"""The mapper: a canonical order and its matches in, a payload out. Pure; knows no HTTP, no ledger and no POS."""

from syncd.mapping.create import map_cancel, map_create, map_status
from syncd.mapping.matches import CatalogMatch, Matches, normal_code
from syncd.mapping.payload import Decision, Declined, Held, Mapped, Payload
from syncd.mapping.rules import DefaultAddress, LocationRules, Rules

__all__ = [
    "CatalogMatch",
    "Decision",
    "Declined",
    "DefaultAddress",
    "Held",
    "LocationRules",
    "Mapped",
    "Matches",
    "Payload",
    "Rules",
    "map_cancel",
    "map_create",
    "map_status",
    "normal_code",
]
