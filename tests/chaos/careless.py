"""``python -m tests.chaos.careless run``: syncd with its two safeguards taken out, to show that the storms would notice."""

from syncd.cli.edge import main
from syncd.push.store_orders.catch_up import CatchUp
from syncd.sale import decide


def take_out_the_safeguards() -> None:
    """No look-up decides: what is in doubt is sent again at once. And nobody asks what the store has already."""
    decide.still_open = lambda *_: None  # that is the mistake
    CatchUp.once = lambda *_: None  # type: ignore[method-assign]  # and that
    CatchUp.find = lambda *_: {}  # type: ignore[method-assign]  # what it finds would be remembered and linked


if __name__ == "__main__":
    take_out_the_safeguards()
    main()
