"""Decide the next step for a sale: facts in, one step out. Pure; nothing else decides.

It is asked when a sale is recorded or changed, after every outcome and every look, when a person decides, and again at the moment
of claiming, then with what was looked at (``seen``). The order of the questions is the order of their weight: what is on the wire
is waited for; what a person decided holds; what BigCommerce says already is left alone; only then comes what the sale says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from syncd.canonical import CanonicalOrder, check_balance
from syncd.canonical.kinds import OpenKind, SaleStatus
from syncd.canonical.money import format_money
from syncd.clock import Now
from syncd.errors import LedgerError
from syncd.mapping.rules import skipped_by
from syncd.sale.checkout_steps import by_workflow, closed_first
from syncd.sale.facts import Doubt, Status
from syncd.sale.overrides import Verb
from syncd.sale.policy import StorePolicy
from syncd.sale.requests import plan_change, plan_create, shows_on_another, wait_for_order
from syncd.sale.returns import return_step
from syncd.sale.sale import IncomingVersion, Sale, linked
from syncd.sale.states import MAKES_ORDER, AttemptKind, State
from syncd.sale.steps import (
    Change,
    CheckoutCall,
    Compared,
    Create,
    Hold,
    LookUp,
    NoAction,
    Observation,
    Reject,
    Step,
    Wait,
)

_MOST_UNCLEAN = 3
_MEND = "Correct the sale in the POS or its export; to send it unchanged: syncd release {key}"
_REUSED = "If the POS's database was reset, give the source a new name. If it is the same sale: syncd release {key}"
_AGAIN = "Look at order {order} in BigCommerce. To accept it: syncd accept {key}; to send the amounts again: syncd release {key}"
_BRAKE = (
    "{unclean} requests to create it ended in doubt, and none of them made an order with its key",
    (
        "Look in BigCommerce for an order of {total} at that time. "
        "If there is none: syncd release {key}; if there is one: syncd skip {key}"
    ),
)


def next_step(
    sale: Sale,
    policy: StorePolicy,
    now: Now,
    incoming: IncomingVersion | None = None,
    observation: Observation | None = None,
) -> Step:
    """Return the next step. ``incoming`` is the version that has just arrived, ``observation`` what was looked up for a request."""
    if sale.doubt is not None and (wait := still_open(sale.doubt, policy.push.settle, now)) is not None:
        return wait
    return closed_first(sale, _next_step(sale, policy, now, incoming, observation))


def _next_step(
    sale: Sale, policy: StorePolicy, now: Now, incoming: IncomingVersion | None, observation: Observation | None
) -> Step:
    if (step := _decided(sale) or _in_line(sale) or _objected(sale)) is not None:
        return step
    if incoming is not None and not is_released(sale) and (why := reused_id(incoming)):
        return Hold(why, _REUSED.format(key=sale.sale_key), objects=True)
    try:
        order = (
            observation.order if observation is not None else incoming.order if incoming is not None else sale.order()
        )
    except LedgerError as error:
        return Hold(error.what, error.cure)
    return _by_what_it_says(sale, linked(order, sale.overrides), policy, now, observation)


def _decided(sale: Sale) -> Step | None:
    """Apply the overrides. One about a version ends with that version; skip and hold stay."""
    decisions = sale.overrides
    if not decisions.made:
        return None
    if (left_out := decisions.of(Verb.SKIP) or decisions.of(Verb.ASIDE)) is not None:
        changed = sale.order_id is not None and left_out.fingerprint != sale.fingerprint
        return _changed_since(sale) if changed else NoAction(State.SKIPPED, left_out.why)
    if (hold := decisions.of(Verb.HOLD)) is not None:
        return Hold(hold.why, f"When it may go on: syncd release {sale.sale_key}")
    if sale.order_id is not None and (right := decisions.of(Verb.ACCEPT, sale.fingerprint)) is not None:
        return NoAction(State.SYNCED, right.why)
    return None


def _changed_since(sale: Sale) -> Hold:
    """Hold a skipped sale that has an order and was changed in the POS: a void or a refund must not disappear."""
    why = f"it was skipped, and the POS has changed it since: order {sale.order_id} does not show that"
    key = sale.sale_key
    return Hold(why, f"To send the change: syncd release {key}; to accept the order as it is: syncd accept {key}")


def is_released(sale: Sale) -> bool:
    """Whether a person released this version: push it as it is."""
    return sale.overrides.of(Verb.RELEASE, sale.fingerprint) is not None


def _in_line(sale: Sale) -> Step | None:
    """Compare the order's totals where the order is known to show this version."""
    if sale.order_id is None or sale.belief.confirmed_version != sale.fingerprint:
        return None
    difference = total_difference(sale)
    if difference and is_released(sale):
        return None  # a person wants it said again
    if difference:
        return Hold(difference, _AGAIN.format(order=sale.order_id, key=sale.sale_key))
    return NoAction(State.SYNCED)


def total_difference(sale: Sale) -> str:
    """Say how the order's totals differ from those requested; empty where they agree or were not shown."""
    there = sale.belief.snapshot
    if there.currency and there.currency != sale.currency:
        return f"BigCommerce made it an order in {there.currency}; the sale is in {sale.currency}"
    if sale.total_inc_tax < 0 and sale.belief.requested_totals is None:
        return ""  # a return that the order of its original shows: the totals are that one's
    total, tax = sale.belief.requested_totals or (sale.total_inc_tax, sale.total_tax)
    for name, shown, wanted in (("total", there.total_inc_tax, total), ("tax", there.total_tax, tax)):
        if shown is not None and shown != wanted:
            wanted_text = format_money(wanted, sale.currency)
            return f"BigCommerce made it a {name} of {format_money(shown, sale.currency)}; the sale says {wanted_text}"
    return ""


def _objected(sale: Sale) -> Step | None:
    objection = sale.objection
    if objection is None or objection.fingerprint != sale.fingerprint:
        return None
    if objection.state is State.SKIPPED:
        return NoAction(State.SKIPPED, objection.why)
    if objection.state is State.REJECTED:
        return Reject(objection.why, objection.cure)
    return Hold(objection.why, objection.cure, objects=True)


def _by_what_it_says(
    sale: Sale, order: CanonicalOrder, policy: StorePolicy, now: Now, observation: Observation | None
) -> Step:
    voided, key = order.status is SaleStatus.VOIDED, sale.sale_key
    if order.training or order.is_open or _waits_for_payment(order, policy):
        return _no_sale(sale, order)
    if not voided and not is_released(sale) and (why := hold_reason(order, now.wall, sale.source_hold)):
        return Hold(why, _MEND.format(key=key), until=ends_at(order, now.wall))
    if shows_on_another(order, policy.rules):
        return return_step(sale, order, policy.rules, now.wall, observation)
    if voided and sale.order_id is None:  # a lost ledger may have pushed it: skipped once the store was asked
        return Create() if observation is None else NoAction(State.SKIPPED, "voided in the POS before it was pushed")
    if sale.order_id is not None:
        return _change(sale, order, policy, now, observation)
    if policy.rules is not None and not is_released(sale) and (rule := skipped_by(order, policy.rules)) is not None:
        return NoAction(State.SKIPPED, rule)
    if sale.unconfirmed_creates >= _MOST_UNCLEAN:
        total = format_money(sale.total_inc_tax, sale.currency)
        return Hold(_BRAKE[0].format(unclean=sale.unconfirmed_creates), _BRAKE[1].format(total=total, key=key))
    if observation is None or policy.rules is None:
        return Create()
    step = plan_create(order, observation, policy.rules)
    return by_workflow(sale, order, step, observation, policy.rules) if isinstance(step, Create) else step


def _waits_for_payment(order: CanonicalOrder, policy: StorePolicy) -> bool:
    """Whether a sale on account waits for its payment, as the config says."""
    on_account = order.status is SaleStatus.OPEN and order.open_kind is OpenKind.ON_ACCOUNT
    return on_account and policy.rules is not None and policy.rules.on_account == "open"


_OPEN = {
    None: "still open",
    OpenKind.PARKED: "parked",
    OpenKind.QUOTE: "a quote",
    OpenKind.LAY_BY: "a lay-by whose goods are still there",
    OpenKind.ON_ACCOUNT: "on account and not paid yet",
    OpenKind.WORK_ORDER: "a work order",
}


def _no_sale(sale: Sale, order: CanonicalOrder) -> Step:
    """Skip what is no sale yet; hold it where an order was made before."""
    what = "a training sale" if order.training else f"{_OPEN[order.open_kind]} in the POS: pushed once it is completed"
    if sale.order_id is None:
        return NoAction(State.SKIPPED, what)
    cure = f"Void it in the POS if nothing was sold; if order {sale.order_id} is right: syncd accept {sale.sale_key}"
    now_it_is = "a training sale" if order.training else "open again in the POS"
    return Hold(f"it is {now_it_is}, and BigCommerce has order {sale.order_id} for it", cure)


def _change(sale: Sale, order: CanonicalOrder, policy: StorePolicy, now: Now, observation: Observation | None) -> Step:
    if observation is not None and observation.trail.busy and sale.order_id is not None:
        return wait_for_order(sale.order_id, now.wall)
    if observation is None or policy.rules is None:
        kind = AttemptKind.CANCEL if order.status is SaleStatus.VOIDED else AttemptKind.UPDATE
        return Change(kind, sale.order_id)
    return plan_change(sale, order, observation, policy.rules, restate=is_released(sale))


def status_of(step: Step) -> Status:
    """Return the status that the ledger keeps for a step."""
    match step:
        case Create() | Change():
            return Status(State.PENDING)
        case CheckoutCall(why=why) | Compared(why=why):
            return Status(State.PENDING, why)
        case LookUp(at=at, why=why):
            return Status(State.UNKNOWN, why, at=at)
        case Wait(until=until, why=why):
            return Status(State.PENDING, why, at=until)
        case Hold(why=why, cure=cure, objects=objects, until=until):
            return Status(State.HELD, why, cure, at=until, objects=objects)
        case Reject(why=why, cure=cure):
            return Status(State.REJECTED, why, cure, objects=True)
        case NoAction(state=state, why=why):
            return Status(state, why)


class StepDecider:
    """The ledger's ``Decider``: decides each sale by the policy of its own store."""

    def __init__(self, policies: Mapping[str, StorePolicy]) -> None:
        self._policies, self._plain = policies, StorePolicy()

    def __call__(self, sale: Sale, now: Now, incoming: IncomingVersion | None = None) -> Status:
        """Return the status of a sale."""
        return status_of(next_step(sale, self._policies.get(sale.store, self._plain), now, incoming))


def still_open(doubt: Doubt, settle: timedelta, now: Now) -> LookUp | None:
    """Return when to look up a doubtful request next; None once it can no longer arrive.

    A create is absent only at two looks ``settle`` apart, the last of them ``2 x settle`` on. A change waits as long without a
    look, for whatever follows is computed from the order as it then is: a late one must not overtake that. Times are boot time;
    those of another boot say nothing, so a doubt that outlives its boot begins anew.
    """
    gap = settle.total_seconds()
    ages = [age for look in doubt.looks if (age := now.boot.since(look)) is not None]
    since = now.boot.since(doubt.since)
    first_look = max(ages, default=0.0)
    unknown_for = max(first_look, since or 0.0)
    if doubt.kind not in MAKES_ORDER:
        wait = 2 * gap - unknown_for
        return LookUp(now.wall + timedelta(seconds=wait), _CHANGE) if wait > 0 else None
    if not ages:
        return LookUp(now.wall + timedelta(seconds=gap), _CREATE)
    wait = max(gap - (first_look - min(ages)), 2 * gap - unknown_for)
    return LookUp(now.wall + timedelta(seconds=wait), _ABSENT) if wait > 0 else None


_CREATE = "whether the order was made is unknown: it is looked for"
_ABSENT = "absent so far; a late commit may still bring it"
_CHANGE = "whether the change arrived is unknown: once it can no longer be late, the order is looked at"


_LATEST = timedelta(days=1)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_ANOTHER_DAY = timedelta(days=1)
_WRONG_CLOCK = "the till's clock is wrong, or this machine's; it continues automatically once that time is near"


def hold_reason(order: CanonicalOrder, now: datetime, hold: str = "") -> str:
    """Return why a person must check the sale before it is pushed, its source's reason first; empty where nobody must."""
    if hold:
        return hold
    if not _known_currency(order.currency):
        return f"{order.currency} is not a currency (ISO 4217)"
    if order.placed_at > now + _LATEST:
        return f"its time, {order.placed_at.isoformat()}, lies in the future: {_WRONG_CLOCK}"
    if order.placed_at < _EARLIEST:
        return f"its time, {order.placed_at.isoformat()}, is impossible: the till's clock is wrong"
    if not order.lines and not order.fees and not order.total_inc_tax:
        return "it has no lines and no total"
    return "; ".join(str(imbalance) for imbalance in check_balance(order))


def ends_at(order: CanonicalOrder, now: datetime) -> datetime | None:
    """Return when a hold for a sale time in the future ends; None for other holds."""
    no_more = order.placed_at - _LATEST
    return no_more if no_more > now else None


def reused_id(incoming: IncomingVersion) -> str:
    """Return why a known id looks reused: another day *and* another total mean that the POS's database was reset."""
    before, order = incoming.before, incoming.order
    if before is None:
        return ""
    far = abs(order.placed_at - before.placed_at) > _ANOTHER_DAY
    if not far or before.total_inc_tax == order.total_inc_tax:
        return ""
    day = before.placed_at.astimezone(order.placed_at.tzinfo).date()
    total = format_money(before.total_inc_tax, before.currency)
    return f"looks like a reused id: the ledger knows a sale of {day} with a total of {total} under it"


@cache
def _known_currency(code: str) -> bool:
    import pycountry  # noqa: PLC0415  a large table that a machine with nothing to record need not load

    return pycountry.currencies.get(alpha_3=code) is not None
