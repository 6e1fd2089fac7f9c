"""A simulated store, and workers over a real ledger, on a clock that only the test moves."""

from __future__ import annotations

import json
import shutil
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from syncd.bigcommerce.classify import classify, classify_refund
from syncd.bigcommerce.client import OrdersClient, RemoteOrder, Sending, read_order
from syncd.bigcommerce.outcome import Accepted, Barred, NotSent, Refused, Reply, Throttled, Unknown
from syncd.canonical import Batch, CanonicalOrder
from syncd.errors import Busy, StoreUnavailable
from syncd.http.transport import HttpAnswer
from syncd.ledger import Lease, Ledger, RecordOptions
from syncd.mapping.rules import Rules
from syncd.push.lookups.matching import Matcher
from syncd.push.store_orders.audit import AuditReport, Days, audit
from syncd.push.store_orders.catch_up import CatchUp
from syncd.push.worker.circuit_breaker import CircuitBreaker
from syncd.push.worker.prepare import PushSetup
from syncd.push.worker.pusher import Pusher
from syncd.push.worker.reconcile import Reconciler
from syncd.sale.decide import StepDecider
from syncd.sale.policy import PushPolicy, StorePolicy
from syncd.sale.states import State
from syncd.sandbox import refunds
from syncd.sandbox.answers import Refusal
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.orders import Orders
from syncd.testing.clocks import ManualClock
from tests.databases import put_empty_ledger
from tests.deciders import to_main

Fate = Literal[
    "accepted",
    "refused",
    "barred",
    "throttled",
    "not sent",
    "lost before",
    "lost after",
    "late",
    "wrong total",
    "stranger",
    "crash before",
    "crash after",
    "crash late",
]
FATES: tuple[Fate, ...] = Fate.__args__  # type: ignore[attr-defined]  # the values of a Literal
POLICY = PushPolicy(threads=1, settle=timedelta(seconds=60), intent_life=timedelta(seconds=20))
RULES = Rules.model_validate(
    {
        "default_address": {
            "street_1": "1 Main",
            "city": "Austin",
            "state": "TX",
            "zip": "78701",
            "country_iso2": "US",
        },
        "stock": "elsewhere",
        "customers": "guest",
    }
)


_PLAINLY: dict[str, Reply] = {
    "refused": Reply(Refused(422, "no"), 422),
    "barred": Reply(Barred(401, "no"), 401),
    "throttled": Reply(Throttled(3.0), 429),
    "not sent": Reply(NotSent("refused")),
    "lost before": Reply(Unknown("timed out")),
}


def trip(order: CanonicalOrder) -> CanonicalOrder:
    """The shop's own hook, which fails on poison."""
    if "poison" in order.note:
        raise ZeroDivisionError("the hook does not like this one")
    return order


class Crash(BaseException):
    """The process ends here; nothing after it runs."""


@dataclass
class SimulatedStore:
    """BigCommerce as far as pushing goes: the sandbox's orders, commits that arrive late, answers that never do."""

    clock: ManualClock
    world: Orders = field(default_factory=lambda: Orders("", "USD", Catalog(), {1: {}}))
    fates: deque[Fate] = field(default_factory=deque)
    late: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    lateness: float = 100.0
    posts: int = 0
    reads: int = 0
    down: bool = False
    lied: set[int] = field(default_factory=set)
    hides_refunds: bool = False
    lag_s: float = 0.0
    made_at: dict[int, float] = field(default_factory=dict)
    landed_at: float | None = None

    @property
    def orders(self) -> dict[int, dict[str, Any]]:
        return {number: kept.order for number, kept in list(self.world.kept.items())}

    def create(self, body: Mapping[str, Any], how: Sending) -> Reply:
        if not how.precondition():
            return Reply(NotSent("stale", ours=True))
        self.posts += 1
        key, kept = str(body["external_order_id"]), dict(body)
        return self._write(lambda: self._made(kept), kept, external_order_id=key)

    def _made(self, body: Mapping[str, Any]) -> dict[str, Any]:
        order = self.world.create(body).order
        self.made_at[order["id"]] = self.clock.elapsed().seconds if self.landed_at is None else self.landed_at
        return order

    def update(self, order_id: int, body: Mapping[str, Any], how: Sending) -> Reply:
        if not how.precondition():
            return Reply(NotSent("stale", ours=True))
        kept = dict(body)
        return self._write(lambda: self.world.update(order_id, kept).order, self.orders[order_id], order_id=order_id)

    def archive(self, order_id: int, how: Sending) -> Reply:
        if not how.precondition():
            return Reply(NotSent("stale", ours=True))

        def commit() -> dict[str, Any]:
            self.world.archive(order_id)
            return self.world.get(order_id).order

        return self._write(commit, self.orders[order_id])

    def _write(self, commit: Callable[[], dict[str, Any]], before: Mapping[str, Any], **expected: Any) -> Reply:
        fate = self.fates.popleft() if self.fates else "accepted"
        commit = partial(self._commit, commit)
        if fate in _PLAINLY:
            return _PLAINLY[fate]
        if fate == "crash before":
            raise Crash
        if "late" in fate:
            self.late.append((self.clock.elapsed().seconds + self.lateness, commit))
            order = dict(before)
        else:
            try:
                order = dict(commit())
            except Refusal as no:
                return Reply(classify(HttpAnswer(no.answer.status, {}, no.answer.body, 0.1)), no.answer.status)
        if fate.startswith("crash"):
            raise Crash
        if fate in {"lost after", "late"}:
            return Reply(Unknown("the answer was lost"))
        if fate == "wrong total":
            self.lied.add(order["id"])
            order["total_inc_tax"] = str(Decimal(order["total_inc_tax"]) + 1)
        if fate == "stranger":
            order |= {"id": 777, "external_order_id": "somebody:else"}
        answer = HttpAnswer(200, {}, json.dumps(order).encode(), 0.1)
        return Reply(classify(answer, **expected), 200)

    def _commit(self, effect: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        order = effect()
        order["date_modified"] = format_datetime(self.clock.now())
        return order

    def tick(self) -> None:
        """What was to be committed by now, is."""
        now = self.clock.elapsed().seconds
        ripe = [(at, commit) for at, commit in self.late if at <= now]
        self.late = [(at, commit) for at, commit in self.late if at > now]
        for at, commit in ripe:
            self.landed_at = at
            commit()
        self.landed_at = None

    def get(self, order_id: int) -> RemoteOrder | None:
        self._read()
        return read_order(self.orders[order_id]) if order_id in self.orders else None

    def refund(self, order_id: int, body: Mapping[str, Any], how: Sending) -> Reply:
        if not how.precondition():
            return Reply(NotSent("stale", ours=True))
        kept, made = dict(body), list[Any]()

        def commit() -> dict[str, Any]:
            made.append(refunds.refund(self.world, self.world.get(order_id), kept).body)
            return self.world.get(order_id).order

        reply = self._write(commit, self.orders[order_id])
        if isinstance(reply.outcome, Accepted):
            return Reply(classify_refund(HttpAnswer(201, {}, made[-1], 0.1), order_id), 201)
        return reply

    def refunds(self, order_id: int) -> list[dict[str, Any]] | None:
        self._read()
        return None if self.hides_refunds else list(self.world.get(order_id).refunds)

    def refunds_of(self, order_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
        return {number: some for number, some in self.refunds_since(None).items() if number in order_ids}

    def refunds_since(self, _since: datetime | None) -> dict[int, list[dict[str, Any]]]:
        self._read()
        every = {number: kept.refunds for number, kept in self.world.kept.items() if kept.refunds}
        return {number: json.loads(json.dumps(some), parse_float=Decimal) for number, some in every.items()}

    def refund_quote(self, order_id: int, items: Any) -> Any:
        self._read()
        return json.loads(refunds.quote(self.world.get(order_id), {"items": list(items)}).body)["data"][
            "refund_methods"
        ]

    def consignments(self, order_id: int) -> dict[str, Any]:
        self._read()
        return self.world.consignments(order_id)

    def list_modified(self, _since: datetime, *, archived: bool) -> Iterator[RemoteOrder]:
        return self.list_between(1, None, None, archived=archived)

    def sub_resource(self, order_id: int, name: str) -> list[dict[str, Any]]:
        self._read()
        return self.world.sub_resource(order_id, name)

    def find(self, key: str) -> list[RemoteOrder]:
        self._read()
        return [read_order(order) for order in self.live(key) if not self._lags(order["id"])]

    def list_between(
        self, lowest: int, start: datetime | None, end: datetime | None, *, archived: bool
    ) -> Iterator[RemoteOrder]:
        assert start is None
        assert end is None
        self._read()
        shown = ((number, order) for number, order in sorted(self.orders.items()) if not self._lags(number))
        listed = (read_order(order) for number, order in shown if number >= lowest)
        return (order for order in listed if order.is_deleted == archived)

    def _lags(self, number: int) -> bool:
        """Whether an order was made so lately that no list shows it yet."""
        return bool(self.lag_s) and self.clock.elapsed().seconds - self.made_at.get(number, float("-inf")) < self.lag_s

    def newest_id(self) -> int:
        self._read()
        return max(self.orders, default=0)

    def _read(self) -> None:
        self.reads += 1
        if self.down:
            raise StoreUnavailable("the store is away")

    def live(self, key: str) -> list[dict[str, Any]]:
        return [order for order in self.orders.values() if order["external_order_id"] == key]


class Worker:
    """A process that pushes: the real ledger, pusher and reconciler, over the simulated store."""

    def __init__(self, file: Path | str, store: SimulatedStore, clock: ManualClock, rules: Rules = RULES) -> None:
        url = file if isinstance(file, str) else f"sqlite:///{file}"
        self.ledger = Ledger.open(url, clock, StepDecider({"main": StorePolicy(rules, POLICY)}))
        self._clock = clock
        orders = cast("OrdersClient", store)
        matcher = Matcher("main", self.ledger, cast("Any", _NoRemotes()), rules, clock)
        self._circuit = CircuitBreaker("main", self.ledger, POLICY, clock)
        catch_up = CatchUp("main", self.ledger, orders)
        setup = PushSetup("main", self.ledger, orders, cast("Any", None), catch_up, matcher, rules, POLICY, clock, trip)
        self._pusher = Pusher(setup, self._circuit)
        self._reconciler = Reconciler("main", self.ledger, orders, catch_up, StorePolicy(rules, POLICY), clock)

    def record(self, order: CanonicalOrder, stated_at: datetime | None = None) -> None:
        self.ledger.sales.record(Batch((order,), (), "c", stated_at=stated_at), RecordOptions("till", to_main))

    def push(self) -> bool:
        """Take the lease, reconcile, push; False where somebody else holds it."""
        try:
            with self.ledger.lease("main") as lease:
                self.ledger.attempts.recover_interrupted(lease)
                self.work(lease)
        except Busy:
            return False
        return True

    def work(self, lease: Lease) -> None:
        """One turn of a daemon, which holds its lease for as long as it lives: reconcile, push."""
        stop = threading.Event()
        self._reconciler.run(lease, self._circuit, stop)
        self._pusher.run(lease, stop)

    def close(self) -> None:
        self.ledger.close()


class _NoRemotes:
    _names = ("variants_by_sku", "variants_by_upc", "by_email", "by_phone")
    catalog = customers = type("Nothing", (), dict.fromkeys(_names))()


class Shop:
    """A worker over a ledger in a folder, for tests that tell one story step by step."""

    def __init__(self, folder: Path, rules: Rules = RULES, url: str = "") -> None:
        self.file, self.clock, self.rules = folder / "ledger.db", ManualClock(), rules
        self.url = url or f"sqlite:///{self.file}"
        self.store = SimulatedStore(self.clock)
        if not url and not self.file.exists():
            put_empty_ledger(self.file)
        self.worker = Worker(self.url, self.store, self.clock, rules)
        self._lease: Lease | None = None

    def record(self, *orders: CanonicalOrder, stated_at: datetime | None = None) -> None:
        """``stated_at``: the time of the file that they stand in; None where nobody knows."""
        for order in orders:
            self.worker.record(order, stated_at)

    def audit(self, first: date, last: date, *, by_card: bool = False) -> AuditReport:
        orders = cast("OrdersClient", self.store)
        return audit("main", self.worker.ledger, orders, self.rules, Days(first, last), ["till"], by_card=by_card)

    def push(self, *fates: Fate, lateness: float = 100.0) -> None:
        """One pass, in which the store's answers are ``fates``; a crash among them ends the process."""
        self.store.fates.extend(fates)
        self.store.lateness = lateness
        self._turn()
        if any(fate.startswith("crash") for fate in fates):
            self.restart()

    def restart(self) -> None:
        self.worker.close()
        self.worker = Worker(self.url, self.store, self.clock, self.rules)

    def pass_time(self, seconds: float) -> None:
        self.clock.pass_time(seconds)
        self.store.tick()

    def rest(self) -> None:
        """Let time pass and push until nothing is left to do."""
        for _ in range(12):
            self.pass_time(61)
            self._turn()

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """A daemon's life: its lease is taken once, and every pass from here on is a turn under it."""
        with self.worker.ledger.lease("main") as self._lease:
            yield
        self._lease = None

    def _turn(self) -> None:
        if self._lease is not None:
            self.worker.work(self._lease)
        else:
            self.worker.push()

    def state(self, name: str) -> State:
        found = self.worker.ledger.sales.get(f"till:{name}")
        assert found is not None
        return found.state

    def close(self) -> None:
        self.worker.close()


def copy_ledger(source: Path, target: Path) -> None:
    """A backup of a ledger that nobody has open."""
    for suffix in ("", "-wal", "-shm"):
        (target.parent / f"{target.name}{suffix}").unlink(missing_ok=True)
    shutil.copy(source, target)
