"""Build the requests of a sale: the create, or the change of the order as it is now. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import LineKind, SaleStatus
from syncd.canonical.money import ZERO, format_money
from syncd.canonical.order import Line
from syncd.mapping.create import map_create
from syncd.mapping.model import Held, Mapped, MappingNote, Nothing, Remote, Unmappable
from syncd.mapping.negative import map_negative
from syncd.mapping.refund import RefundProblem, Wanted, map_refund, more_than_was_paid
from syncd.mapping.rules import Rules
from syncd.mapping.update import map_update
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State
from syncd.sale.steps import Change, Create, Hold, NoAction, Observation, Reject, Step, Wait


def plan_change(
    sale: Sale, order: CanonicalOrder, observation: Observation, rules: Rules, *, restate: bool = False
) -> Step:
    """Return the change with its payload; no action where the order shows it already; a hold where a person must look.

    ``restate``: a person has released the sale, so that its amounts and its status are said again whoever changed them.
    """
    remote, number = observation.remote, sale.order_id
    assert number is not None  # noqa: S101  the caller has looked
    if remote is None:
        return gone(sale.sale_key, number)
    if order.status is SaleStatus.VOIDED and rules.void == "archive":
        return _archive(number, remote)
    if remote.is_deleted and observation.archived_by_us and order.status is not SaleStatus.VOIDED:
        return _archived_for_its_void(sale, number)
    if observation.ours is None and not restate and (strange := _of_another(sale, remote)):
        return strange
    if not restate and (certificate := _sold_certificate(sale, order, rules)):
        return certificate
    record = record_of(order, observation)
    awaits = awaits_record(observation, record)
    result = map_update(
        order,
        remote,
        observation.ours,
        observation.matches,
        rules,
        observation.occasion,
        awaits_record=awaits,
        restate=restate or _is_untouched(sale, observation),
    )
    match result:
        case Mapped():
            if not restate and (why := _risks_lines(sale, remote, result, observation)):
                return why
            kind = AttemptKind.CANCEL if order.status is SaleStatus.VOIDED else AttemptKind.UPDATE
            return Change(kind, number, result, more=awaits)
        case Held(why=why, cure=cure):
            return Hold(why, cure, objects=True)
        case Nothing():
            return refund_step(sale, observation, remote, record) or _at_rest(result, observation)
        case _:
            assert_never(result)


def _sold_certificate(sale: Sale, order: CanonicalOrder, rules: Rules) -> Hold | None:
    """Hold the void of a sale whose gift certificate BigCommerce issued: it stays valid when its order is cancelled."""
    by_checkout = sale.checkout is not None and sale.checkout.live and sale.checkout.cart_id is not None
    issued = by_checkout and rules.checkout.gift_certificates == "issue"
    if order.status is not SaleStatus.VOIDED or not issued or not any(_is_certificate(line) for line in order.lines):
        return None
    why = f"it is voided, and BigCommerce issued a gift certificate with order {sale.order_id}, which stays valid"
    cure = f"Disable the certificate in BigCommerce, then: syncd release {sale.sale_key}"
    return Hold(why, cure, objects=True)


def _is_certificate(line: Line) -> bool:
    return line.kind is LineKind.GIFT_CARD


def _is_untouched(sale: Sale, observation: Observation) -> bool:
    """Whether an order is as the checkout made it: whatever differs from the sale is then nobody's but ours."""
    by_checkout = sale.checkout is not None and sale.checkout.live and observation.ours is None
    return by_checkout and not observation.touched


def _risks_lines(sale: Sale, remote: Remote, change: Mapped, observation: Observation) -> Hold | None:
    """Hold a change of lines that staff may have changed since the checkout, or that a promotion or a coupon has lowered.

    Such lines lose it for good.

    Source: https://developer.bigcommerce.com/docs/store-operations/orders (applied discounts).
    """
    fields, key = remote.fields, sale.sale_key
    if not {"products", "consignments"} & change.payload.keys():
        return None
    if observation.touched:
        why = f"its lines were changed, and so was order {remote.order_id} in BigCommerce since the checkout made it"
        cure = f"Change the order in BigCommerce, then: syncd accept {key}; to change its lines all the same: syncd release {key}"
        return Hold(why, cure, objects=True)
    lowered = [name for name in ("coupon_discount", "discount_amount") if Decimal(str(fields.get(name) or 0))]
    if fields.get("order_source") != "checkout_api" or not lowered:
        return None
    why = f"its lines were changed, and order {remote.order_id} has a promotion or a coupon, which changed lines lose"
    cure = f"Change the order in BigCommerce, then: syncd accept {key}; to change its lines all the same: syncd release {key}"
    return Hold(why, cure, objects=True)


def record_of(order: CanonicalOrder, observation: Observation) -> Mapped | None:
    """Return the request for the next refund record, if one is wanted and BigCommerce offers a way."""
    if not isinstance(observation.refund, Wanted) or observation.refund_ways is None:
        return None
    return map_refund(order, observation.refund, observation.refund_ways)


def awaits_record(observation: Observation, record: Mapped | None) -> bool:
    """Whether a refund record is to follow, or a person must look at one: BigCommerce changes the status with it."""
    return record is not None or isinstance(observation.refund, RefundProblem) or observation.refund_ways is None


def refund_step(sale: Sale, observation: Observation, remote: Remote, record: Mapped | None) -> Change | Hold | None:
    """Return the step for the sale's refunds, once the order shows everything else."""
    cure = f"Look at the refunds of order {remote.order_id} in both, then: syncd accept {sale.sale_key}"
    if isinstance(observation.refund, RefundProblem):
        release = f"; to go on all the same: syncd release {sale.sale_key}" if observation.refund.may_release else ""
        return Hold(observation.refund.why, f"{cure}{release}", objects=True)
    if observation.refund is not None and (too_much := more_than_was_paid(observation.refund, remote)):
        return Hold(too_much, cure, objects=True)
    if record is None:
        return None
    return Change(AttemptKind.REFUND, remote.order_id, record, more=True)


def _at_rest(result: Nothing, observation: Observation) -> NoAction:
    why = "; ".join(f"{d.about} {d.choice}: {d.why}" for d in result.decisions)
    ours = observation.ours
    is_known = ours is not None and len(ours.possible) == 1 and ours.accepted.to_json() == result.said
    said = "" if is_known else result.said  # it may say so by a request that nobody remembers: later edits begin there
    return NoAction(State.SYNCED, why or "it says so already", differs=result.differs, said=said)


def _archive(number: int, remote: Remote) -> Step:
    if remote.is_deleted:
        return NoAction(State.SYNCED, "voided in the POS, and archived already")
    decision = MappingNote("order", "archived", 'voided in the POS, and void = "archive"')
    return Change(AttemptKind.ARCHIVE, number, Mapped({}, (decision,)))


def _archived_for_its_void(sale: Sale, number: int) -> Hold:
    """Hold: the API cannot restore an archived order, a person must."""
    why = f"the sale is back in the POS, and order {number} was archived for it when the sale was voided"
    cure = f"Restore order {number} in BigCommerce, then: syncd release {sale.sale_key}"
    return Hold(why, cure, objects=True)


def _of_another(sale: Sale, remote: Remote) -> Hold | None:
    """Hold where an order that was found under the sale's key may be another sale's."""
    number, currency = remote.order_id, str(remote.fields.get("default_currency_code") or sale.currency)
    if currency != sale.currency:
        why = f"BigCommerce already has it as order {number}, in {currency}; the sale is in {sale.currency}"
        return Hold(why, _OTHER_CURRENCY, objects=True)
    if remote.total_inc_tax in (None, sale.total_inc_tax) or sale.belief.snapshot.placed_at is None:
        return None
    if abs((sale.belief.snapshot.placed_at - sale.placed_at).total_seconds()) < 1:
        return None
    shown, said = (format_money(one, sale.currency) for one in (remote.total_inc_tax or ZERO, sale.total_inc_tax))
    why = f"BigCommerce already has it as order {number}, of another time and with a total of {shown}; the sale says {said}"
    cure = f"If the order is this sale's: syncd release {sale.sale_key}; if it is right: syncd accept {sale.sale_key}"
    return Hold(why, cure, objects=True)


_OTHER_CURRENCY = "The till's sales go to a store of another currency: name the right store for this source."


def gone(key: str, number: int) -> Reject:
    """Reject: a deleted order is reported, and not created again."""
    return Reject(f"order {number} is no longer in BigCommerce", f"If it was deleted on purpose: syncd skip {key}")


def plan_create(order: CanonicalOrder, observation: Observation, rules: Rules) -> Step:
    """Return the create with its payload, or the step that says why there is none."""
    if observation.currencies and order.currency not in observation.currencies:
        return _wrong_currency(order, observation.currencies)
    records = rules.refunds == "record" and bool(order.refunded)
    whole = (
        order.model_copy(update={"status": SaleStatus.COMPLETED}) if records else order
    )  # the records move the status
    negative = is_return(order)
    result = (map_negative if negative else map_create)(whole, observation.matches, rules, observation.occasion)
    match result:
        case Mapped():
            return Create(_in_own_currency(result, observation.currencies), more=records)
        case Held(why=why, cure=cure):
            return Hold(why, cure, objects=True)
        case Unmappable(why=why, cure=cure):
            return Reject(why, cure)
        case _:
            assert_never(result)


def _in_own_currency(mapped: Mapped, allowed: tuple[str, ...]) -> Mapped:
    """Drop the order's currency where it is the store's own: the field is writable only where several currencies are on.

    Source: https://developer.bigcommerce.com/docs/start/migration/orders/prepare-data ("default_currency_code").
    """
    if not allowed or mapped.payload.get("default_currency_code") != allowed[0]:
        return mapped
    payload = {name: value for name, value in mapped.payload.items() if name != "default_currency_code"}
    return replace(mapped, payload=payload)


def _wrong_currency(order: CanonicalOrder, allowed: tuple[str, ...]) -> Hold:
    why = f"the sale is in {order.currency}; the store takes {', '.join(allowed)}"
    cure = (
        f"Name another store for source {order.source}, or add {order.currency} to the store's transactional currencies"
    )
    return Hold(why, f"{cure}; then: syncd release {order.sale_key}", objects=True)


def shows_on_another(order: CanonicalOrder, rules: Rules | None) -> bool:
    """Whether a return is shown on the order of its original sale; without a known original it may get its own order, by rule."""
    own = order.returns_of is None and rules is not None and rules.unlinked_return == "negative_order"
    return is_return(order) and not own


def needs_look(sale: Sale, order: CanonicalOrder, rules: Rules | None) -> bool:
    """Whether the sale's next request changes an order, which must be read first."""
    return sale.order_id is not None or shows_on_another(order, rules)


def is_return(order: CanonicalOrder) -> bool:
    """Whether the sale only gives goods back."""
    return order.total_inc_tax < 0


def wait_for_order(order_id: int, now: datetime) -> Wait:
    """Wait until another change of the order is settled: the next change is computed from its result."""
    return Wait(now + timedelta(seconds=1), f"waits for another change of order {order_id}")
