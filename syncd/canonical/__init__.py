"""The sale in our own words: order, money, fingerprint, balance, batch. Knows no POS, no ledger and no BigCommerce."""

from syncd.canonical.balance import Imbalance, check_balance
from syncd.canonical.batch import Batch, Cursor, Fault
from syncd.canonical.fingerprint import fingerprint
from syncd.canonical.order import CanonicalOrder

__all__ = ["Batch", "CanonicalOrder", "Cursor", "Fault", "Imbalance", "check_balance", "fingerprint"]
