"""What tests decide sales by: the real decider with the usual rules, and the one store that they belong to."""

from syncd.canonical import CanonicalOrder
from syncd.mapping.rules import DefaultAddress, Rules
from syncd.sale.decide import StepDecider
from syncd.sale.policy import PushPolicy, StorePolicy

ADDRESS = DefaultAddress(street_1="1 Main", city="Austin", state="Texas", zip="78701", country_iso2="US")
RULES = Rules(default_address=ADDRESS)
DECIDER = StepDecider({"main": StorePolicy(RULES, PushPolicy())})


def to_main(_order: CanonicalOrder) -> str:
    return "main"
