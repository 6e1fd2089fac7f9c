"""What a due sale needs: a create, a change of status, or nothing that we may send. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b

from syncd.canonical import CanonicalOrder, fingerprint
from syncd.canonical.order import SaleStatus
from syncd.ledger import Kind, Sale
from syncd.ledger.states import Held, Rejected, Skipped
from syncd.mapping import Mapped, Matches, Payload, Rules, map_cancel, map_create, map_status
from syncd.mapping import payload as mapped

Unsent = Held | Rejected | Skipped
_DECIDED = {SaleStatus.REFUNDED, SaleStatus.PARTIALLY_REFUNDED}


@dataclass(frozen=True, slots=True)
class Plan:
    """One request to make: its kind, its payload, and the decisions behind it."""

    kind: Kind
    mapped: Mapped

    @property
    def digest(self) -> str:
        """A digest of the payload, for the attempt's row."""
        return digest(self.mapped.payload)


def digest(payload: Payload) -> str:
    """16 hex digits that name a payload."""
    return blake2b(json.dumps(payload, sort_keys=True).encode(), digest_size=8).hexdigest()


def plan(sale: Sale, order: CanonicalOrder, matches: Matches, rules: Rules) -> Plan | Unsent:
    """The request that brings BigCommerce in line with ``order``, or the state that the sale takes without one."""
    if sale.order_id is not None:
        return _change(sale, order, rules)
    if order.status is SaleStatus.VOIDED:
        return Skipped("voided in the POS before it was pushed")
    result = map_create(order, matches, rules)
    match result:
        case Mapped():
            return Plan(Kind.CREATE, result)
        case mapped.Held(why=why, cure=cure):
            return Held(why, cure)
        case mapped.Declined(why=why, cure=cure):
            return Rejected(why, cure)


def _change(sale: Sale, order: CanonicalOrder, rules: Rules) -> Plan | Unsent:
    if order.status is SaleStatus.VOIDED:
        return Plan(Kind.CANCEL, map_cancel(rules))
    if sale.pushed_fingerprint in earlier_fingerprints(order):
        return Plan(Kind.UPDATE, map_status(order, rules))
    why = f"changed in the POS after it was pushed as order {sale.order_id}"
    cure = f"Change the order in BigCommerce by hand to what `syncd sale {sale.sale_key}` shows, then: syncd skip {sale.sale_key}"
    return Held(why, cure, sale.order_id)


def earlier_fingerprints(order: CanonicalOrder) -> set[str]:
    """The fingerprints that this sale had if only its status and its refunds have changed since."""
    known = {fingerprint(order)}
    if order.status in _DECIDED:
        for count in range(len(order.refunds) + 1):
            for status in (SaleStatus.COMPLETED, SaleStatus.PARTIALLY_REFUNDED):
                before = order.model_copy(update={"status": status, "refunds": order.refunds[:count]})
                known.add(fingerprint(before))
    return known
