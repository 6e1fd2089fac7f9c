"""Decide about a return: the order of its original sale shows it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.mapping.formats import status_words
from syncd.mapping.model import Mapped, MappingNote, Payload, Remote
from syncd.mapping.refund import Wanted, more_than_was_paid, return_note
from syncd.mapping.rules import Rules, applied
from syncd.sale.requests import awaits_record, gone, record_of, refund_step, wait_for_order
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State
from syncd.sale.steps import Change, Hold, NoAction, Observation, Step, Wait

_WAITS = timedelta(seconds=5)
_ON_THE_WAY = (State.PENDING, State.SENDING, State.UNKNOWN)
_LINK = "Pick the sale that the goods came from: syncd link {key}. If there is none: syncd skip {key}"
_CURE = "Enter the return in BigCommerce by hand (a refund of the original order), then: syncd skip {key}"


def return_step(
    sale: Sale, order: CanonicalOrder, rules: Rules | None, now: datetime, observation: Observation | None
) -> Step:
    """Return the next step for a return: a change of its original's order, once that is known."""
    cure = _CURE.format(key=sale.sale_key)
    if order.status is SaleStatus.VOIDED:
        if sale.order_id is None:
            return NoAction(State.SKIPPED, "a return, voided in the POS before it was pushed")
        return Hold(f"a return that was voided after order {sale.order_id} showed it", cure)
    if any(line.quantity > 0 and line.total_inc_tax > 0 for line in order.lines):
        return Hold("it takes goods back and sells others, in a way that cannot be taken apart", cure)
    if order.returns_of is None and rules is not None and rules.unlinked_return == "note":
        return NoAction(
            State.SKIPPED,
            'this return does not say which sale it belongs to, and unlinked_return = "note": no order shows it',
        )
    if order.returns_of is None:
        why = "this return does not say which sale it belongs to, so it cannot be refunded automatically"
        return Hold(why, _LINK.format(key=sale.sale_key))
    if observation is None or rules is None:
        return Change(AttemptKind.UPDATE, sale.order_id)
    if made_for_it := _is_its_own(sale, observation.original):
        return Hold(made_for_it, cure, objects=True)
    if observation.trail.busy and observation.original is not None and observation.original.order_id is not None:
        return wait_for_order(observation.original.order_id, now)
    return _not_returnable(sale, order, observation.original, now) or _shown(sale, order, observation, rules, now)


def _not_returnable(sale: Sale, order: CanonicalOrder, original: Sale | None, now: datetime) -> Step | None:
    cure = _CURE.format(key=sale.sale_key)
    if original is None:
        return Hold(f"returns goods of {order.returns_of}, which this ledger does not know", cure, objects=True)
    if original.store != sale.store:
        why = f"returns goods of {order.returns_of}, which belongs to the store {original.store}"
        return Hold(why, cure, objects=True)
    if original.order_id is None:
        if original.state in _ON_THE_WAY:
            return Wait(now + _WAITS, f"waits for {original.sale_key}, whose goods it returns, to be pushed")
        why = f"returns goods of {original.sale_key}, which is {original.state} and has no order"
        return Hold(why, cure, objects=True)
    return None


def _is_its_own(sale: Sale, original: Sale | None) -> str:
    """Return why a return that has an order of its own cannot be shown on another; empty where it has none."""
    if sale.order_id is None or original is None or sale.order_id == original.order_id:
        return ""
    return f"it is a return in the POS now, and order {sale.order_id} was made for it when it was a sale"


def _is_raised_first(original: Sale) -> bool:
    """Whether a change of the original sale has not reached its order yet."""
    return original.state in _ON_THE_WAY and original.belief.confirmed_version != original.fingerprint


def _shown(sale: Sale, order: CanonicalOrder, observation: Observation, rules: Rules, now: datetime) -> Step:
    original, remote = observation.original, observation.remote
    assert original is not None and original.order_id is not None  # noqa: S101, PT018  _not_returnable has looked
    if remote is None:
        return gone(sale.sale_key, original.order_id)
    if remote.is_deleted:
        why = f"returns goods of {original.sale_key}, whose order {remote.order_id} is archived in BigCommerce"
        return Hold(why, _CURE.format(key=sale.sale_key), objects=True)
    record = record_of(order, observation)
    awaits = awaits_record(observation, record)
    body, decisions = _body(order, observation, remote, original, rules, labels=rules.refunds == "status" or not awaits)
    if body:
        return Change(AttemptKind.UPDATE, remote.order_id, Mapped(body, decisions), more=awaits)
    if (
        _is_raised_first(original)
        and isinstance(observation.refund, Wanted)
        and more_than_was_paid(observation.refund, remote)
    ):
        why = (
            f"waits for a change of {original.sale_key}, whose goods it returns: its order does not come to enough yet"
        )
        return Wait(now + _WAITS, why)
    if (step := refund_step(sale, observation, remote, record)) is not None:
        return step
    return NoAction(State.SYNCED, f"order {remote.order_id} shows the return already")


def _body(  # noqa: PLR0913  the return, its order and its sale, and the rules
    order: CanonicalOrder, observation: Observation, remote: Remote, original: Sale, rules: Rules, *, labels: bool
) -> tuple[Payload, tuple[MappingNote, ...]]:
    body: Payload = {}
    note, notes = return_note(order), str(remote.fields.get("staff_notes") or "")
    if " ".join(note.split()) not in " ".join(notes.split()):
        body["staff_notes"] = f"{notes.rstrip()}\n{note}".strip()
    came_back = observation.returned_before - order.total_inc_tax
    whole = came_back >= original.total_inc_tax
    status = SaleStatus.REFUNDED if whole else SaleStatus.PARTIALLY_REFUNDED
    number = applied(order, rules).status_id(status)
    if labels and remote.status_id != number:
        body["status_id"] = number
    said = f"{came_back} of {original.total_inc_tax} {order.currency} of {original.sale_key} came back"
    return body, (MappingNote("status", status_words(number), said), MappingNote("staff_notes", "added to", note))
