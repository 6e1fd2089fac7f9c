"""What follows for a sale: facts in, one step out. Pure; knows no HTTP and no database, and nobody else decides."""

from typing import TYPE_CHECKING

from syncd.late import late_names

if TYPE_CHECKING:
    from syncd.plan.follows import Decider, Ground, is_released, next_step
    from syncd.plan.policy import Policy
    from syncd.plan.seen import Seen, shows_on_another
    from syncd.plan.steps import Change, Create, Hold, LookUp, Reject, Rest, Step, Wait, digest, standing

__all__ = [
    "Change",
    "Create",
    "Decider",
    "Ground",
    "Hold",
    "LookUp",
    "Policy",
    "Reject",
    "Rest",
    "Seen",
    "Step",
    "Wait",
    "digest",
    "is_released",
    "next_step",
    "shows_on_another",
    "standing",
]

__getattr__ = late_names(
    __name__,
    {
        "follows": (
            "Decider",
            "Ground",
            "is_released",
            "next_step",
        ),
        "policy": ("Policy",),
        "seen": (
            "Seen",
            "shows_on_another",
        ),
        "steps": (
            "Change",
            "Create",
            "Hold",
            "LookUp",
            "Reject",
            "Rest",
            "Step",
            "Wait",
            "digest",
            "standing",
        ),
    },
)
