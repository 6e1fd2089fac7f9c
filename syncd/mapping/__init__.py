"""The mapper: a canonical order and its matches in, a payload out. Pure; knows no HTTP, no ledger and no POS."""

from typing import TYPE_CHECKING

from syncd.late import late_names

if TYPE_CHECKING:
    from syncd.mapping.create import map_create
    from syncd.mapping.matches import CatalogMatch, Choice, Matches, RequiredModifier, normal_code
    from syncd.mapping.negative import map_negative
    from syncd.mapping.payload import Decision, Declined, Held, Mapped, Nothing, Payload
    from syncd.mapping.remote import Remote, RemoteFee, RemoteLine
    from syncd.mapping.rules import LIVE, DefaultAddress, LocationRules, Occasion, Rules, skipped_by
    from syncd.mapping.stamp import Stamp
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
]

__getattr__ = late_names(
    __name__,
    {
        "create": ("map_create",),
        "matches": (
            "CatalogMatch",
            "Choice",
            "Matches",
            "RequiredModifier",
            "normal_code",
        ),
        "negative": ("map_negative",),
        "payload": (
            "Decision",
            "Declined",
            "Held",
            "Mapped",
            "Nothing",
            "Payload",
        ),
        "remote": (
            "Remote",
            "RemoteFee",
            "RemoteLine",
        ),
        "rules": (
            "DefaultAddress",
            "LIVE",
            "LocationRules",
            "Occasion",
            "Rules",
            "skipped_by",
        ),
        "stamp": ("Stamp",),
        "update": (
            "Ours",
            "map_update",
            "map_void",
        ),
    },
)
