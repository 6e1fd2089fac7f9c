"""``python -m tests.chaos.careless run``: syncd with its two safeguards taken out, to show that the storms would notice."""

from collections.abc import Sequence

from syncd.cli.edge import main
from syncd.clock import Now
from syncd.ledger import Known, Sale
from syncd.ledger.states import Pending, Transition
from syncd.push import CatchUp, Policy, reconcile


def send_again(_found: Sequence[Known], _sale: Sale, _policy: Policy, now: Now) -> Transition:
    """What is unknown is sent again without a look."""
    return Pending(now.wall, "sent again without looking")


def take_out_the_safeguards() -> None:
    """No look-up decides, and nobody asks what the store has already."""
    reconcile.judge = send_again  # type: ignore[assignment]  # the same shape under another name
    CatchUp.once = lambda _: None  # type: ignore[method-assign, assignment]  # that is the mistake
    CatchUp.find = lambda *_: {}  # type: ignore[method-assign]  # what it finds would be remembered and adopted


if __name__ == "__main__":
    take_out_the_safeguards()
    main()
