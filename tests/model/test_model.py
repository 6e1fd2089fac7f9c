"""Random lives of sales: every interleaving of faults, crashes, edits, people, clocks and two workers that hypothesis finds.

After every step: at most one live order a sale, no sale gone, the audit explains every state. At rest: each sale that nobody
stopped has exactly one order, with its total.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from syncd.canonical import CanonicalOrder
from syncd.canonical.order import SaleStatus
from syncd.ledger import State, Verb
from syncd.ledger.queries import Selection
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.model.simulation import FATES, Fate, SimulatedStore, Worker, copy_ledger

EXAMPLES, STEPS = int(os.environ.get("SYNCD_MODEL_EXAMPLES", "15")), 30
KEYS = [f"s{number}" for number in range(4)]
fates = st.lists(st.sampled_from(FATES), max_size=6)
MUG = {"line_id": "1", "name": "Mug", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
BEANS = {"line_id": "2", "name": "Beans", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
TIP = {"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
WHOLE = {"status": "completed", "fees": (), "lines": [MUG, BEANS], "total_inc_tax": "10.80", "total_tax": "0.80"}
CHANGES: dict[str, dict[str, Any]] = {
    "note": {},
    "void": {"status": "voided"},
    "un-void": {"status": "completed"},
    "refund": {"status": "refunded"},
    "tip": WHOLE | {"fees": [TIP], "total_inc_tax": "12.80"},
    "fewer lines": WHOLE | {"lines": [BEANS], "total_inc_tax": "5.40", "total_tax": "0.40"},
    "as it was": WHOLE,
}
STATUS = {SaleStatus.COMPLETED: 10, SaleStatus.VOIDED: 5, SaleStatus.REFUNDED: 4}
BY_STAFF = 11
_STOPPED = {State.HELD, State.REJECTED, State.SKIPPED}


class Lives(RuleBasedStateMachine):
    """Two workers, one ledger, one store."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "ledger.db"
        self.backup = Path(self.folder.name) / "backup.db"
        self.clock = ManualClock()
        self.store = SimulatedStore(self.clock)
        self.sales: dict[str, CanonicalOrder] = {}
        self.written: dict[str, list[str]] = {}
        self.moved: set[str] = set()
        self.restored: set[str] = set()
        self.workers = [self.worker(), self.worker()]

    def worker(self) -> Worker:
        return Worker(self.file, self.store, self.clock)

    # What happens at the till

    @rule(name=st.sampled_from(KEYS))
    def a_sale_is_recorded(self, name: str) -> None:
        self.sales.setdefault(name, sale(source="till", sale_id=name))
        self.workers[0].record(self.sales[name])

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), change=st.sampled_from(sorted(CHANGES)))
    def a_sale_is_changed(self, data: st.DataObject, change: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.sales)))
        changed = self.sales[name].model_dump() | {"note": f"note {self.clock.now()}"} | CHANGES[change]
        if changed["status"] != self.sales[name].status:
            self.moved.discard(name)
        self.sales[name] = CanonicalOrder.model_validate(changed)
        self.workers[1].record(self.sales[name])

    # What staff do in BigCommerce

    @precondition(lambda self: self.store.orders)
    @rule(data=st.data(), act=st.sampled_from(["write", "move"]))
    def staff_change_an_order(self, data: st.DataObject, act: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.store.orders)))
        order = self.store.orders[number]
        name = str(order["external_order_id"]).removeprefix("till:")
        if act == "write":
            words = f"staff {len(self.written.get(name, []))}"
            self.store.world.update(number, {"staff_notes": f"{order['staff_notes']}\n{words}"})
            self.written.setdefault(name, []).append(words)
            return
        found = self.workers[0].ledger.sale(f"till:{name}")
        if found is not None and found.state is State.SYNCED:
            self.store.world.update(number, {"status_id": BY_STAFF})
            self.moved.add(name)

    # What happens on the wire

    @rule(who=st.integers(0, 1), fates=fates, lateness=st.sampled_from([5.0, 59.0, 61.0, 100.0, 118.0]))
    def a_worker_pushes(self, who: int, fates: list[Fate], lateness: float) -> None:
        self.store.fates.extend(fates)
        self.store.lateness = lateness
        crashes = any(fate.startswith("crash") for fate in fates)
        self.workers[who].push()
        self.store.fates.clear()
        if crashes:  # whatever was on the wire when the process died stays there; another one starts
            self.workers[who].close()
            self.workers[who] = self.worker()

    @rule(down=st.booleans())
    def the_store_goes_away_or_comes_back(self, down: bool) -> None:
        self.store.down = down

    # What happens to the machine

    @rule(seconds=st.sampled_from([0.5, 10.0, 61.0, 130.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_time(seconds)
        self.store.tick()

    @rule(seconds=st.sampled_from([-86400.0, -90.0, 90.0, 31_536_000.0]))
    def the_wall_clock_is_set(self, seconds: float) -> None:
        self.clock.jump(seconds)

    @rule()
    def the_machine_is_started_again(self) -> None:
        for worker in self.workers:
            worker.close()
        self.clock.pass_time(30)
        self.store.tick()
        self.clock.reboot()
        self.store.late = [(self.clock.elapsed().seconds + 80, body) for _, body in self.store.late]
        self.workers = [self.worker(), self.worker()]

    @rule()
    def a_backup_is_made(self) -> None:
        for worker in self.workers:
            worker.close()
        copy_ledger(self.file, self.backup)
        self.workers = [self.worker(), self.worker()]

    @precondition(lambda self: self.backup.exists())
    @rule()
    def the_backup_is_restored_and_the_exports_are_dropped_again(self) -> None:
        for worker in self.workers:
            worker.close()
        self.clock.pass_time(150)  # what was on the wire has landed: nobody restores a backup within two minutes
        self.store.tick()
        copy_ledger(self.backup, self.file)
        self.restored |= self.sales.keys()  # what is adopted is taken as it is where total and state agree
        self.workers = [self.worker(), self.worker()]
        for order in self.sales.values():
            self.workers[0].record(order)

    # What people do

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), act=st.sampled_from(["retry", "skip", "release"]))
    def a_person_acts(self, data: st.DataObject, act: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.sales)))
        self.workers[0].ledger.decide(Verb(act), Selection(keys=(f"till:{name}",)), "ada", "by hand")

    # What must hold

    @invariant()
    def no_sale_has_two_orders(self) -> None:
        for name in self.sales:
            live = self.store.live(f"till:{name}")
            assert len(live) <= 1, f"{name} has {len(live)} orders"

    @invariant()
    def no_sale_is_gone_and_its_audit_explains_its_state(self) -> None:
        for name in self.sales:
            story = self.workers[0].ledger.story(f"till:{name}")
            assert story is not None, f"{name} is not in the ledger"
            assert story.audit[-1].after == story.sale.state.value
            for one, two in zip(story.audit, story.audit[1:], strict=False):
                assert two.before == one.after, (one, two)

    def teardown(self) -> None:
        """Let it come to rest without faults, and count."""
        if not hasattr(self, "workers"):
            return
        self.store.down = False
        for _ in range(12):
            self.clock.pass_time(1000)
            self.store.tick()
            for worker in self.workers:
                worker.push()
        self.no_sale_has_two_orders()
        for name, order in self.sales.items():
            found = self.workers[0].ledger.sale(f"till:{name}")
            assert found is not None
            live = self.store.live(f"till:{name}")
            if found.state is State.SYNCED:
                assert [one["id"] for one in live] == [found.order_id]
                self.says(live[0], order, name)
            else:
                assert found.state in _STOPPED, f"{name} rests as {found.state}: {found.why}"
        for worker in self.workers:
            worker.close()
        self.folder.cleanup()

    def says(self, there: Mapping[str, Any], order: CanonicalOrder, name: str) -> None:
        """The order says what the sale says, and what staff said."""
        if order.status is not SaleStatus.VOIDED:  # a void changes the status alone
            assert Decimal(there["total_inc_tax"]) == order.total_inc_tax
            assert [fee["display_name_customer"] for fee in there["fees"]] == [fee.name for fee in order.fees]
            assert there["items_total"] == sum(line.quantity for line in order.lines)
            assert order.note in there["staff_notes"] or name in self.restored
        for words in self.written.get(name, ()):
            assert words in there["staff_notes"], f"{words} was lost from {name}"
        if there["status_id"] != STATUS[order.status]:
            assert there["status_id"] == BY_STAFF, f"{name} is {order.status}, its order {there['status_id']}"
        if name in self.moved:
            assert there["status_id"] == BY_STAFF


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
