"""What trial stores answered, beside the config: which settings follow from it, and what was never asked."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from syncd.config import Config, StoreSettings
from syncd.ledger import Ledger
from syncd.probe.answers import Learned, ProbeAnswer, kept, learned

_SHORTEST_KEY = 32  # of what ``longest_key`` may be


def answers_for(config: Config, ledger: Ledger, store: str) -> Mapping[str, ProbeAnswer]:
    """Return what is known of how ``store`` answers: its own answers where it is a trial store, else those of all of them."""
    trials = [name for name, settings in config.stores.items() if settings.connection.trial]
    return kept(ledger, [store] if store in trials else trials)


def under_answers(config: Config, ledger: Ledger) -> Config:
    """Return the config with each store's settings on the safe side of what trial stores answered."""
    trials = [name for name, settings in config.stores.items() if settings.connection.trial]
    if not trials:
        return config
    of_all = learned(kept(ledger, trials))
    stores = {
        name: with_answers(settings, learned(kept(ledger, [name])) if name in trials else of_all)
        for name, settings in config.stores.items()
    }
    return config if stores == config.stores else replace(config, stores=stores)


def with_answers(settings: StoreSettings, found: Learned) -> StoreSettings:
    """Give settings keys that a store keeps whole, time for its lists, and no look-up by a filter that lies. Pure."""
    longest, settle = settings.rules.longest_key, max(settings.push.settle, found.delay * 2)
    if found.key_length is not None:
        longest = min(longest, max(found.key_length, _SHORTEST_KEY))
    look_up = settings.push.look_up if found.filter_trusted else "by_list"
    return settings.model_copy(
        update={
            "rules": settings.rules.model_copy(update={"longest_key": longest}),
            "push": settings.push.model_copy(update={"settle": settle, "look_up": look_up}),
        }
    )
