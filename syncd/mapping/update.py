"""What a sale says now as a change of the order that exists. Pure.

The change is computed against the order as it stands and holds only what differs, so that sending it twice is harmless:

- a line has its ``id``, quantity 0 removes one, a line without an id is new; fees are replaced whole, so all are said with their
  ids; changed lines lose their discounts, so the amounts are said anew whenever goods change
  (https://developer.bigcommerce.com/docs/rest-management/orders, "Update an order");
- what a person changed in BigCommerce stays, unless ``staff_changes = "overwrite"``: a field is a person's if it is none of the
  things that syncd has sent. A status is moved only when the sale's own has moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.money import ZERO
from syncd.mapping.amounts import as_text
from syncd.mapping.create import map_create
from syncd.mapping.matches import Matches
from syncd.mapping.merge import Merged, merge_lines
from syncd.mapping.pairing import pair_lines, shown_amount
from syncd.mapping.payload import Decision, Declined, Held, Mapped, Nothing, Payload
from syncd.mapping.remote import Remote, RemoteFee, RemoteLine
from syncd.mapping.rules import LIVE, Occasion, Rules, applied
from syncd.mapping.stamp import (
    FIELDS,
    Stamp,
    mark,
    payload_fees,
    payload_lines,
    sign_fees,
    stamp,
)
from syncd.mapping.statuses import status_words

_MONEY = ("subtotal_inc_tax", "subtotal_ex_tax", "total_inc_tax", "total_ex_tax")


@dataclass(frozen=True, slots=True)
class Ours:
    """What syncd has made, or may have made, an order say: the last known success, and every later try.

    ``shown`` are the total and the tax that BigCommerce showed after our last word.
    """

    accepted: Stamp
    possible: tuple[Stamp, ...]
    shown: tuple[Decimal, Decimal] | None = None

    @classmethod
    def of(cls, stamps: Sequence[Stamp], shown: tuple[Decimal, Decimal] | None = None) -> Ours | None:
        """From the stamps since the last success, that one first; None where the order was not made by this ledger."""
        return cls(stamps[0], tuple(stamps), shown) if stamps else None


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much staff moved an order's totals."""

    inc_tax: Decimal = ZERO
    ex_tax: Decimal = ZERO

    def of(self, name: str) -> Decimal:
        """By how much an amount of this name moved."""
        return self.inc_tax if name.endswith("inc_tax") else self.ex_tax


def map_update(  # noqa: PLR0913, PLR0917  the sale, the order, what we said before, and the rules
    order: CanonicalOrder,
    remote: Remote,
    ours: Ours | None,
    matches: Matches,
    rules: Rules,
    occasion: Occasion = LIVE,
    *,
    awaits_record: bool = False,
) -> Mapped | Held | Nothing:
    """The body of PUT /v2/orders/{id} that makes ``remote`` say what ``order`` says; Nothing where it does already.

    ``awaits_record``: a refund record is to follow, with which BigCommerce sets the status itself.
    """
    if remote.is_deleted:
        return Held(*_archived(order, remote))
    if order.status is SaleStatus.VOIDED:
        return map_void(order, remote, ours, rules)
    wanted = map_create(order, matches, rules, occasion)
    if isinstance(wanted, Held | Declined):
        return Held(wanted.why, wanted.cure, remote.order_id)
    change = _Change(order, remote, ours, rules, keep_kinds(wanted.payload, remote.lines))
    if not awaits_record:
        change.status()
    change.fields()
    if conflict := change.goods():
        return conflict
    decisions = tuple(change.decisions)
    return Mapped(change.body, decisions, change.stamp.to_json()) if change.body else Nothing(decisions)


def map_void(order: CanonicalOrder, remote: Remote, ours: Ours | None, rules: Rules) -> Mapped | Nothing:
    """The change for a sale that was voided: its status and nothing else, for a void often comes without its lines."""
    here = applied(order, rules)
    wanted = here.status_id(SaleStatus.VOIDED)
    said = replace(ours.accepted, status_id=wanted).to_json() if ours is not None else ""
    if remote.status_id == wanted:
        return Nothing((Decision("status", status_words(wanted), "voided in the POS, and the order says so already"),))
    if ours is not None and ours.accepted.status_id == wanted and rules.staff_changes == "keep":
        return Nothing(
            (Decision("status", f"stays {status_words(remote.status_id)}", "a person moved it in BigCommerce"),)
        )
    return Mapped({"status_id": wanted}, (Decision("status", status_words(wanted), "voided in the POS"),), said)


def _archived(order: CanonicalOrder, remote: Remote) -> tuple[str, str]:
    why = f"changed in the POS, and order {remote.order_id} was archived in BigCommerce"
    return (
        why,
        f"Restore order {remote.order_id} there, then: syncd release {order.sale_key}; or leave it: syncd accept {order.sale_key}",
    )


def keep_kinds(payload: Payload, there: Sequence[RemoteLine]) -> Payload:
    """``payload`` with each line as the kind of line that the order has it as: a custom one stays custom, a product a product."""
    pairs, added, _ = pair_lines(payload_lines(payload), there)
    if all(bool(line.get("product_id")) == bool(found.product_id) for line, found in pairs):
        return payload
    kept = {id(line): _as_there(line, found) for line, found in pairs} | {id(line): dict(line) for line in added}
    lines: list[JsonValue] = [kept[id(line)] for line in payload_lines(payload)]
    if "products" in payload:
        return {**payload, "products": lines}
    consignments: Any = payload["consignments"]
    return {**payload, "consignments": {"pickups": [{**consignments["pickups"][0], "line_items": lines}]}}


def _as_there(line: Mapping[str, Any], there: RemoteLine) -> dict[str, JsonValue]:
    if bool(line.get("product_id")) == bool(there.product_id):
        return dict(line)
    named = ("product_id", "variant_id", "product_options", "sku", "upc")
    kept: dict[str, JsonValue] = {name: value for name, value in line.items() if name not in named}
    if not there.product_id:
        return kept | ({"sku": there.sku} if there.sku else {})
    return kept | {"product_id": there.product_id} | ({"variant_id": there.variant_id} if there.variant_id else {})


class _Change:
    """One update while it is put together."""

    def __init__(self, order: CanonicalOrder, remote: Remote, ours: Ours | None, rules: Rules, wanted: Payload) -> None:
        self.order, self.remote, self.ours, self.wanted = order, remote, ours, wanted
        self.stamp = stamp(wanted)
        self.overwrite = rules.staff_changes == "overwrite"
        self.own_statuses = applied(order, rules).label_statuses
        self.body: Payload = {}
        self.decisions: list[Decision] = []

    def status(self) -> None:
        """Move the status where the sale's has moved, or where nobody else has."""
        wanted, there = self.stamp.status_id, self.remote.status_id
        if wanted == there:
            return
        moved = self.ours is not None and wanted != self.ours.accepted.status_id
        untouched = there in ({said.status_id for said in self.ours.possible} if self.ours else self.own_statuses)
        if moved or untouched or self.overwrite:
            self.body["status_id"] = wanted
            self.decisions.append(Decision("status", status_words(wanted), f"the sale is {self.order.status.value}"))
        else:
            self.decisions.append(
                Decision("status", f"stays {status_words(there)}", "a person moved it in BigCommerce")
            )

    def fields(self) -> None:
        """Say the fields anew that the sale has changed and no person has."""
        for name in FIELDS:
            wanted, there = self.wanted.get(name), self.remote.fields.get(name)
            said = mark(name, there)
            if said == self.stamp.fields[name]:
                continue
            if self._may_say(name, said):
                self.body[name] = wanted if wanted is not None else ""
                self.decisions.append(Decision(name, "changed", "it differs from what the sale says now"))
            elif name == "staff_notes" and (missing := _missing_lines(str(wanted or ""), str(there or ""))):
                self.body[name] = "\n".join([str(there or "").rstrip(), *missing])
                self.decisions.append(Decision(name, "added to", "a person wrote there; what they wrote stays"))
            else:
                self.decisions.append(Decision(name, "stays", "a person changed it in BigCommerce"))

    def _may_say(self, name: str, there: str) -> bool:
        if self.overwrite:
            return True
        return self.ours is not None and there in {said.fields[name] for said in self.ours.possible}

    def goods(self) -> Held | None:
        """Say lines, fees and amounts anew where the sale's have changed; a conflict where a person changed them too."""
        if self.ours is not None and self.stamp.goods == self.ours.accepted.goods and len(self.ours.possible) == 1:
            return None
        merged, fees = self._merged(), self._fees()
        moved = self._moved_by_staff(merged)
        if not merged.lines and not merged.conflicts and fees is None and not self._amounts_differ(moved):
            return None
        theirs = merged.conflicts or (["fees"] if fees is not None and self._fees_are_theirs() else [])
        if theirs or moved is None:
            key, number = self.order.sale_key, self.remote.order_id
            what = ", ".join(theirs) or "amounts"
            why = f"changed in the POS, and a person changed the same in order {number} in BigCommerce: {what}"
            cure = f"Bring order {number} in line by hand, then: syncd accept {key}; "
            cure += f'or set staff_changes = "overwrite", then: syncd release {key}'
            return Held(why, cure, number)
        self._say_goods(merged, fees, moved)
        return None

    def _fees_are_theirs(self) -> bool:
        if self.ours is None or self.overwrite:
            return False
        return sign_fees(self.remote.fees) not in {said.fees for said in self.ours.possible} | {self.stamp.fees}

    def _moved_by_staff(self, merged: Merged) -> Moved | None:
        """By how much staff's own lines moved the totals since our last word; None where that cannot be told."""
        if not merged.keeps_theirs:
            return Moved()
        shown, now = self.ours.shown if self.ours else None, (self.remote.total_inc_tax, self.remote.total_tax)
        if shown is None or now[0] is None or now[1] is None:
            return None
        return Moved(now[0] - shown[0], now[0] - now[1] - (shown[0] - shown[1]))

    def _say_goods(self, merged: Merged, fees: list[JsonValue] | None, moved: Moved) -> None:
        lines = merged.lines
        if lines and self.remote.pickup_id is not None:
            self.body["consignments"] = {"pickups": [{"id": self.remote.pickup_id, "line_items": lines}]}
        elif lines:
            self.body["products"] = lines
        if fees is not None:
            self.body["fees"] = fees
        for name in _MONEY:
            by = moved.of(name)
            self.body[name] = as_text(shown_amount(self.wanted[name]) + by) if by else self.wanted[name]
        self.body["discount_amount"] = self.wanted.get("discount_amount", "0.0000")
        for name in ("shipping_cost_inc_tax", "shipping_cost_ex_tax"):
            if name in self.wanted or shown_amount(self.remote.fields.get(name)):
                self.body[name] = self.wanted.get(name, "0.0000")
        self.decisions.append(
            Decision("goods", f"{len(lines)} lines changed", "lines, fees or amounts differ from the order's")
        )
        if merged.keeps_theirs:
            why = "a person changed them in BigCommerce, and the sale did not"
            self.decisions.append(Decision("goods", "other lines stay", why))

    def _amounts_differ(self, moved: Moved | None) -> bool:
        there = self.remote.fields
        named = {name: shown_amount(self.wanted.get(name)) + (moved or Moved()).of(name) for name in _MONEY}
        named["discount_amount"] = shown_amount(self.wanted.get("discount_amount"))
        return any(name in there and shown_amount(there[name]) != amount for name, amount in named.items())

    def _merged(self) -> Merged:
        """The lines to send, with those of staff left alone, unless the config says otherwise or nobody knows what we said."""
        wanted = payload_lines(self.wanted)
        if self.ours is None or self.overwrite:
            return merge_lines(wanted, self.remote.lines, None)
        told = [self.ours.accepted.lines, *(said.lines for said in self.ours.possible)]
        return merge_lines(wanted, self.remote.lines, told)

    def _fees(self) -> list[JsonValue] | None:
        """All fees with the ids that they have, or None where they are as they should be."""
        wanted = payload_fees(self.wanted)
        if self.stamp.fees == sign_fees(self.remote.fees):
            return None
        left: dict[str, list[RemoteFee]] = defaultdict(list)
        for fee in reversed(self.remote.fees):
            left[fee.name].append(fee)
        said: list[JsonValue] = []
        for fee_wanted in wanted:
            known = left[str(fee_wanted["display_name_customer"])]
            said.append({**fee_wanted, **({"id": known.pop().id} if known else {})})
        return said


def _missing_lines(wanted: str, there: str) -> list[str]:
    known = {" ".join(line.split()) for line in there.splitlines()}
    return [line for line in wanted.splitlines() if line.strip() and " ".join(line.split()) not in known]
