"""What a sale says now as a change of the order that exists. Pure.

The change is computed against the order as it stands and holds only what differs, so that sending it twice is harmless:

- a line has its ``id``, quantity 0 removes one, a line without an id is new; fees are replaced whole, so all are said with their
  ids; changed lines lose their discounts, so the amounts are said anew whenever goods change
  (https://developer.bigcommerce.com/docs/rest-management/orders, "Update an order");
- what a person changed in BigCommerce stays, unless ``staff_changes = "overwrite"``: a field is a person's if it is none of the
  things that syncd has sent. A status is moved only when the sale's own has moved;
- whatever makes the store count the order anew carries all of its totals ("Calculating totals");
- what cannot be changed, or is a person's, is told as a difference that stays.

An order that this ledger did not make has no history here: the sale's version is said, but for what people may have written or
decided there (notes are added to, a status that ends an order is left).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.money import ZERO, format_money, minor
from syncd.mapping.create import map_create
from syncd.mapping.formats import as_text, status_words
from syncd.mapping.merge import Merged, keep_kinds, merge_lines, shown_amount
from syncd.mapping.model import (
    Held,
    Mapped,
    MappingNote,
    Matches,
    Nothing,
    Payload,
    Remote,
    RemoteFee,
    Unmappable,
)
from syncd.mapping.rules import LIVE, Occasion, Rules, applied
from syncd.mapping.stamp import (
    FIELDS,
    SHOWN,
    SIGN,
    WAYS,
    Ours,
    Way,
    delivery_there,
    field_of,
    mark,
    payload_fees,
    payload_lines,
    recounts,
    sign_fees,
    sign_line,
    stamp,
)

_ENDED = (0, 4, 5, 6, 14)
"""Statuses of an order that is no sale any more, or not all of one: incomplete, refunded, cancelled, declined, refunded in part."""
_REFUNDS = (4, 14)
_MONEY = ("subtotal_inc_tax", "subtotal_ex_tax", "total_inc_tax", "total_ex_tax")


class StaffDelta(Struct, frozen=True):
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
    restate: bool = False,
) -> Mapped | Held | Nothing:
    """Return the body of PUT /v2/orders/{id} that makes ``remote`` say what ``order`` says; Nothing where it does already.

    ``awaits_record``: a refund record is to follow, with which BigCommerce sets the status itself. ``restate``: a person wants
    it all said again, amounts and status included.
    """
    if order.status is SaleStatus.VOIDED:
        return map_void(order, remote, ours, rules)
    if remote.is_deleted:
        return Held(*_archived(order, remote))
    wanted = map_create(order, matches, rules, occasion)
    if isinstance(wanted, Held | Unmappable):
        return Held(wanted.why, wanted.cure, remote.order_id)
    change = _Change(order, remote, ours, rules, keep_kinds(wanted.payload, remote.lines), restate)
    if not awaits_record and (conflict := change.status()):
        return conflict
    change.fields()
    if conflict := change.goods():
        return conflict
    change.restate_totals()
    decisions, said, differs = tuple(change.decisions), change.stamp.to_json(), tuple(change.differs)
    return Mapped(change.body, decisions, said, differs) if change.body else Nothing(decisions, differs, said)


def map_void(order: CanonicalOrder, remote: Remote, ours: Ours | None, rules: Rules) -> Mapped | Nothing:
    """Return the change for a sale that was voided: its status and nothing else, for a void often comes without its lines."""
    if remote.is_deleted:
        return Nothing(
            (MappingNote("order", "archived", "voided in the POS, and the order counts for nothing already"),)
        )
    here = applied(order, rules)
    wanted = here.status_id(SaleStatus.VOIDED)
    said = replace(ours.accepted, status_id=wanted).to_json() if ours is not None else ""
    if remote.status_id == wanted:
        return Nothing(
            (MappingNote("status", status_words(wanted), "voided in the POS, and the order says so already"),)
        )
    if ours is not None and ours.accepted.status_id == wanted and rules.staff_changes == "keep":
        stays = f"stays {status_words(remote.status_id)}"
        differs = (f"its status {stays}: a person moved it in BigCommerce, and the sale is voided",)
        return Nothing((MappingNote("status", stays, "a person moved it in BigCommerce"),), differs)
    return Mapped({"status_id": wanted}, (MappingNote("status", status_words(wanted), "voided in the POS"),), said)


def _archived(order: CanonicalOrder, remote: Remote) -> tuple[str, str]:
    why = f"changed in the POS, and order {remote.order_id} was archived in BigCommerce"
    return (
        why,
        f"Restore order {remote.order_id} there, then: syncd release {order.sale_key}; or leave it: syncd accept {order.sale_key}",
    )


class _Change:
    """One update while it is put together."""

    def __init__(  # noqa: PLR0913, PLR0917  the sale, the order, what we said before, the rules, what a create would say
        self, order: CanonicalOrder, remote: Remote, ours: Ours | None, rules: Rules, wanted: Payload, restate: bool
    ) -> None:
        self.order, self.remote, self.ours, self.wanted, self.restate = order, remote, ours, wanted, restate
        self.stamp = stamp(wanted)
        self.overwrite = rules.staff_changes == "overwrite"
        self.own_statuses = applied(order, rules).label_statuses
        self.body: Payload = {}
        self.decisions: list[MappingNote] = []
        self.differs: list[str] = []

    def status(self) -> Held | None:
        """Move the status where the sale's has moved, or where nobody else has; held where an order that was found has ended."""
        wanted, there = self.stamp.status_id, self.remote.status_id
        if wanted == there:
            return None
        moved = self.ours is not None and wanted != self.ours.accepted.status_id
        untouched = there in ({said.status_id for said in self.ours.possible} if self.ours else self.own_statuses)
        if self.ours is None and there in _ENDED and not self.restate:
            if there not in _REFUNDS:
                return self._ended(there)
            untouched = wanted in _REFUNDS
        if moved or untouched or self.overwrite or self.restate:
            self.body["status_id"] = wanted
            self.decisions.append(MappingNote("status", status_words(wanted), f"the sale is {self.order.status.value}"))
            return None
        self.decisions.append(MappingNote("status", f"stays {status_words(there)}", "a person moved it in BigCommerce"))
        if there in _ENDED:
            shown, said = status_words(there), self.order.status.value.replace("_", " ")
            self.differs.append(f"its status is {shown} in BigCommerce; the sale is {said}")
        return None

    def _ended(self, there: int) -> Held:
        key, number = self.order.sale_key, self.remote.order_id
        said = self.order.status.value.replace("_", " ")
        why = f"order {number} was found for it, and is {status_words(there)} in BigCommerce; the sale is {said}"
        cure = f"If the order is right: syncd accept {key}; to make it say what the sale says: syncd release {key}"
        return Held(why, cure, number)

    def fields(self) -> None:
        """Say the fields anew that the sale has changed and no person has; tell what stays different."""
        for name in FIELDS:
            there = self._there(name)
            said, wanted = mark(name, there), self.stamp.fields[name]
            unchanged = self.ours is not None and self.ours.accepted.fields.get(name) == wanted
            unread = name == "shipping_address" and there is None
            if said == wanted or (unchanged and (WAYS[name] is Way.FIXED or unread)):
                continue
            if WAYS[name] is Way.FIXED or (name == "shipping_address" and not self._has_address()):
                self._cannot_say(name)
            elif self._may_say(name, said):
                self._say(name)
            elif name == "staff_notes" and (missing := self._missing_lines(there)):
                self.body[name] = "\n".join([str(there or "").rstrip(), *missing])
                self.decisions.append(MappingNote(name, "added to", "a person wrote there; what they wrote stays"))
            else:
                self.decisions.append(MappingNote(name, "stays", "a person changed it in BigCommerce"))
                if name != "staff_notes":
                    self.differs.append(f"{SHOWN[name]} is another one: a person changed it in BigCommerce")

    def _there(self, name: str) -> Any:  # noqa: ANN401  whatever JSON is there
        if name == "delivery":
            return delivery_there(self.remote.fields)
        return self.remote.shipping if name == "shipping_address" else self.remote.fields.get(name)

    def _has_address(self) -> bool:
        return field_of(self.wanted, "shipping_address") is not None and self.remote.shipping is not None

    def _missing_lines(self, there: object) -> list[str]:
        return _missing_lines(str(self.wanted.get("staff_notes") or ""), str(there or ""))

    def _may_say(self, name: str, there: str) -> bool:
        if self.overwrite or (self.ours is None and name != "staff_notes"):
            return True
        nothing = mark(name, None)  # what a stamp says of a field that was not compared yet when it was made
        return self.ours is not None and there in {said.fields.get(name, nothing) for said in self.ours.possible}

    def _say(self, name: str) -> None:
        wanted: Any = field_of(self.wanted, name)
        if name == "shipping_address":
            assert self.remote.shipping is not None  # noqa: S101  the caller has looked
            self.body["shipping_addresses"] = [{"id": self.remote.shipping["id"], **wanted}]
        else:
            self.body[name] = wanted if wanted is not None else ""
        self.decisions.append(MappingNote(name, "changed", "it differs from what the sale says now"))

    def _cannot_say(self, name: str) -> None:
        wanted = field_of(self.wanted, "delivery")
        if name == "shipping_address" and wanted == delivery_there(self.remote.fields):
            said = "its order has no shipping address, and none can be added"
        elif name == "delivery":
            said = f"its order was made for {delivery_there(self.remote.fields)}; the sale wants {wanted}"
        else:
            return  # the way of delivery says it
        self.decisions.append(MappingNote(name, "stays", "BigCommerce cannot change it"))
        self.differs.append(said)

    def restate_totals(self) -> None:
        """Where the store will count anew, its amounts stay what they are."""
        if not recounts(self.body) or "total_inc_tax" in self.body:
            return
        there = self.remote.fields
        for name in _MONEY:
            self.body[name] = as_text(shown_amount(there[name])) if name in there else self.wanted[name]

    def goods(self) -> Held | None:
        """Say lines, fees and amounts anew where the sale's have changed; a conflict where a person changed them too."""
        known = self.ours is not None and self.stamp.goods == self.ours.accepted.goods and len(self.ours.possible) == 1
        if known and not self.restate:
            self._tell_amounts()
            return None
        merged, fees = self._merged(), self._fees()
        moved = self._moved_by_staff(merged)
        if merged.keeps_theirs:
            by = format_money(moved.inc_tax, self.order.currency)
            self.differs.append(
                f"its lines were changed in BigCommerce, which moves its total by {by}, and its tax with it"
            )
        if not merged.lines and not merged.conflicts and fees is None and not self._amounts_differ(moved):
            return None
        theirs = merged.conflicts or (["fees"] if fees is not None and self._fees_are_theirs() else [])
        if theirs:
            key, number = self.order.sale_key, self.remote.order_id
            what = ", ".join(theirs)
            why = f"changed in the POS, and a person changed the same in order {number} in BigCommerce: {what}"
            cure = f"Change order {number} in BigCommerce by hand, then: syncd accept {key}; "
            cure += f'or set staff_changes = "overwrite", then: syncd release {key}'
            return Held(why, cure, number)
        if self.ours is None and not self.restate and (strange := self._strange_lines(merged)):
            return strange
        self._say_goods(merged, fees, moved)
        return None

    def _strange_lines(self, merged: Merged) -> Held | None:
        """Say why an order that was found may be another one: it holds goods that the sale does not, and has another total."""
        removed = {line["id"] for line in merged.lines if isinstance(line, dict) and line.get("quantity") == 0}
        names = [line.name for line in self.remote.lines if line.id in removed]
        if not names or self.remote.total_inc_tax == self.order.total_inc_tax:
            return None
        key, number = self.order.sale_key, self.remote.order_id
        why = f"order {number} was found for it, and holds what the sale does not: {', '.join(names)}"
        cure = f"If the order is right: syncd accept {key}; to make it say what the sale says: syncd release {key}"
        return Held(why, cure, number)

    def _tell_amounts(self) -> None:
        """Lines, fees or amounts that were changed there while the sale's own stayed the same: they stay, and are reported."""
        said, there = self.ours.said_totals if self.ours else None, self.remote.total_inc_tax
        if said is None or there is None:
            return
        if there == said[0]:
            lines = Counter(sign_line(line) for line in self.remote.lines if line.quantity)
            if lines and lines != Counter(sign[:SIGN] for sign in self.stamp.lines):  # none: they were not read
                self.differs.append("its lines were changed in BigCommerce, within the same total")
            return
        shown, own = (format_money(amount, self.order.currency) for amount in (there, said[0]))
        self.differs.append(
            f"its lines or amounts (tax too) were changed in BigCommerce: the total is {shown}, the sale's is {own}"
        )

    def _fees_are_theirs(self) -> bool:
        if self.ours is None or self.overwrite:
            return False
        return sign_fees(self.remote.fees) not in {said.fees for said in self.ours.possible} | {self.stamp.fees}

    def _moved_by_staff(self, merged: Merged) -> StaffDelta:
        """By how much the lines that stay as staff have them move the sale's own totals."""
        if not merged.keeps_theirs:
            return StaffDelta()
        currency = self.order.currency
        return StaffDelta(minor(merged.inc_tax, currency), minor(merged.ex_tax, currency))

    def _say_goods(self, merged: Merged, fees: list[JsonValue] | None, moved: StaffDelta) -> None:
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
            MappingNote("goods", f"{len(lines)} lines changed", "lines, fees or amounts differ from the order's")
        )
        if merged.keeps_theirs:
            why = "a person changed them in BigCommerce, and the sale did not"
            self.decisions.append(MappingNote("goods", "other lines stay", why))

    def _amounts_differ(self, moved: StaffDelta) -> bool:
        there = self.remote.fields
        named = {name: shown_amount(self.wanted.get(name)) + moved.of(name) for name in _MONEY}
        named["discount_amount"] = shown_amount(self.wanted.get("discount_amount"))
        return any(name in there and shown_amount(there[name]) != amount for name, amount in named.items())

    def _merged(self) -> Merged:
        """Return the lines to send; leave those of staff alone, unless the config says otherwise or nobody knows what we said."""
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
