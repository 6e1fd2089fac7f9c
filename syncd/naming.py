"""The names in a config beside those that the ledger knows: what each source is, and what the config has lost."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from syncd.config import Config
from syncd.errors import SecretMissing
from syncd.intake.admission import Candidate
from syncd.ledger import KnownSource, Ledger
from syncd.sale.states import NOT_DONE
from syncd.sources.sameness import Reads, reads_of


def candidates(config: Config, known: Mapping[str, KnownSource]) -> dict[str, Candidate]:
    """Return the enabled sources of a config, each with the name in its sale keys: as the config or the ledger has it."""
    found = {}
    for name, source in config.sources.items():
        if source.common.enabled:
            keys = source.common.formerly or (known[name].keys if name in known else name)
            kind = source.common.type
            try:
                found[name] = Candidate(name, keys, reads_of(kind, source.settings, config.base_dir))
            except SecretMissing as error:
                found[name] = Candidate(name, keys, Reads(kind=kind), error)
    return found


def under_keys(config: Config, found: Mapping[str, Candidate]) -> Config:
    """Return the config with each store's rules for a source under the name that stands in its sale keys."""
    keys = {one.name: one.keys for one in found.values() if one.keys != one.name}
    if not keys:
        return config
    stores = {
        name: store.model_copy(update={"rules": store.rules.under_keys(keys)}) for name, store in config.stores.items()
    }
    return replace(config, stores=stores)


class Gone(Struct, frozen=True):
    """A source or a store that the ledger knows and the config does not name; how many of its sales are not done."""

    what: str
    name: str
    not_done: int

    @property
    def words(self) -> str:
        """What is missing, in a line."""
        waits = f"; {self.not_done:,} of its sales are not done, and nothing is sent for them" if self.not_done else ""
        return f"{self.what} {self.name} is in the ledger and not in the config{waits}"

    @property
    def cure(self) -> str:
        """What to do about it."""
        return f"If it has another name now: syncd {self.what}s rename {self.name} NEW. If it is to go on, put it back."


def gone(config: Config, ledger: Ledger) -> list[Gone]:
    """Return what the ledger knows and the config does not name; what a file of ``conf.d`` leaves out is not gone."""
    if any(not left.sources for left in config.left_out):
        return []  # a file that nobody can read names stores and sources that may be any of these
    waits: dict[str, int] = {}
    for (store, _lane, state), number in ledger.sales.counts().items():
        if state in NOT_DONE:
            waits[store] = waits.get(store, 0) + number
    there = {*config.stores, *(name for left in config.left_out for name in left.stores)}
    stores = [Gone("store", name, waits.get(name, 0)) for name in ledger.stores.hashes() if name not in there]
    read = {*config.sources, *(name for left in config.left_out for name in left.sources)}
    sources = [Gone("source", name, 0) for name in ledger.sources.known() if name not in read]
    return [*stores, *sources]
