"""The mapper: a canonical order and its matches in, a payload out. Pure; knows no HTTP, no ledger and no POS."""

from syncd.mapping.create import map_create
from syncd.mapping.matches import CatalogMatch, Choice, Matches, RequiredModifier, normal_code
from syncd.mapping.negative import map_negative
from syncd.mapping.payload import Decision, Declined, Held, Mapped, Nothing, Payload
from syncd.mapping.remote import Remote, RemoteFee, RemoteLine
from syncd.mapping.rules import LIVE, DefaultAddress, LocationRules, Occasion, Rules, skipped_by
from syncd.mapping.stamp import Stamp, stamp
from syncd.mapping.update import Ours, map_update, map_void

__all__ = [
    "LIVE",
    "CatalogMatch",
    "Choice",
    "Decision",
    "Declined",
    "DefaultAddress",
    "Held",
    "LocationRules",
    "Mapped",
    "Matches",
    "Nothing",
    "Occasion",
    "Ours",
    "Payload",
    "Remote",
    "RemoteFee",
    "RemoteLine",
    "RequiredModifier",
    "Rules",
    "Stamp",
    "map_create",
    "map_negative",
    "map_update",
    "map_void",
    "normal_code",
    "skipped_by",
    "stamp",
]
