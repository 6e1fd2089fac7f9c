"""Random lives of sales: every interleaving of faults, crashes, edits, people, clocks and two workers that hypothesis finds.

After every step: at most one live order a sale, no sale gone, the audit explains every state. At rest: each sale that nobody
stopped has exactly one order, with its total, its tax and its status, what staff did to it, and what ``next_step`` says of it.

SYNCD_MODEL_EXAMPLES=1000 plays 30,000 steps.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.clock import Now
from syncd.ledger import Selection, Story
from syncd.sale.decide import next_step, status_of
from syncd.sale.overrides import Verb
from syncd.sale.policy import StorePolicy
from syncd.sale.states import State
from syncd.sale.steps import Change, Create, LookUp
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.model.bugs import BUGS, put_back
from tests.model.changes import BEANS, CHANGES, MUG, STATUS
from tests.model.simulation import FATES, POLICY, RULES, Fate, SimulatedStore, Worker, copy_ledger

EXAMPLES, STEPS = int(os.environ.get("SYNCD_MODEL_EXAMPLES", "15")), 30
_SHRUNK = 100  # more than these are played for their number: what fails is then told as it is
KEYS = [f"s{number}" for number in range(4)]
fates = st.lists(st.sampled_from(("accepted",) * len(FATES) + FATES), max_size=4)
BY_STAFF = 11
_IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_STOPPED = {State.HELD, State.REJECTED, State.SKIPPED}


def explained(story: Story, told: str, state: str | None) -> bool:
    """Whether a state follows from the one that was told last: it is that, or an attempt says the rest."""
    return told == state or (state in {"sending", "synced"} and bool(story.attempts))


@cache
def empty_ledger() -> bytes:
    """The file of a ledger that was made and never used: making one takes longer than most of a life."""
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY) as folder:
        file = Path(folder) / "ledger.db"
        Worker(file, SimulatedStore(ManualClock()), ManualClock()).close()
        return file.read_bytes()


class Lives(RuleBasedStateMachine):
    """Two workers, one ledger, one store."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=_IN_MEMORY)
        self.file = Path(self.folder.name) / "ledger.db"
        self.file.write_bytes(empty_ledger())
        self.backup = Path(self.folder.name) / "backup.db"
        self.clock = ManualClock()
        self.store = SimulatedStore(self.clock)
        self.sales: dict[str, CanonicalOrder] = {}
        self.written: dict[str, list[str]] = {}
        self.moved: set[str] = set()
        self.restored: set[str] = set()
        self.shifted: dict[str, Decimal] = {}
        self.earlier: dict[str, list[CanonicalOrder]] = {}
        self.accepted: set[str] = set()
        self.workers = [self.worker(), self.worker()]
        for name in KEYS[:2]:  # two that have been pushed already: a life goes on for longer than it begins
            self.sales[name] = sale(source="till", sale_id=name, lines=[MUG, BEANS], version="1")
            self.workers[0].record(self.sales[name])
        self.workers[0].push()

    def worker(self) -> Worker:
        return Worker(self.file, self.store, self.clock)

    # What happens at the till

    @rule(name=st.sampled_from(KEYS))
    def a_sale_is_recorded(self, name: str) -> None:
        self.sales.setdefault(name, sale(source="till", sale_id=name, lines=[MUG, BEANS], version="1"))
        self.workers[0].record(self.sales[name])

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), change=st.sampled_from(sorted(CHANGES)))
    def a_sale_is_changed(self, data: st.DataObject, change: str) -> None:
        self.change(data.draw(st.sampled_from(sorted(self.sales))), change)

    def change(self, name: str, change: str) -> None:
        before = self.sales[name]
        version = str(int(before.version or 0) + 1)
        changed = before.model_dump() | {"note": f"note {version}", "version": version} | CHANGES[change]
        if changed["status"] != before.status:
            self.moved.discard(name)
        self.accepted.discard(name)
        self.earlier.setdefault(name, []).append(before)
        self.sales[name] = CanonicalOrder.model_validate(changed)
        self.workers[1].record(self.sales[name])

    @rule(
        name=st.sampled_from(KEYS),
        data=st.data(),
        fate=st.sampled_from(["late", "late", "crash late", "lost after", "lost before", "crash before"]),
        lateness=st.sampled_from([61.0, 118.0]),
    )
    def a_change_overtakes_a_request(self, name: str, data: st.DataObject, fate: Fate, lateness: float) -> None:
        """A sale is said, its request gets lost or comes late, and the sale says something else meanwhile."""
        changes = st.sampled_from(sorted(CHANGES))
        if name in self.sales:
            self.change(name, data.draw(changes))
        self.a_sale_is_recorded(name)
        self.a_worker_pushes(0, [fate], lateness)
        self.change(name, data.draw(changes))
        self.a_worker_pushes(1, [], lateness)

    @precondition(lambda self: self.earlier)
    @rule(data=st.data())
    def an_old_version_is_said_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.earlier)))
        self.workers[0].record(data.draw(st.sampled_from(self.earlier[name])))

    # What staff do in BigCommerce

    @precondition(
        lambda self: self.store.orders and not self.store.late
    )  # what comes late knows nothing of what staff did
    @rule(data=st.data(), act=st.sampled_from(["write", "move", "more beans"]))
    def staff_change_an_order(self, data: st.DataObject, act: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.store.orders)))
        order = self.store.orders[number]
        name = str(order["external_order_id"]).removeprefix("till:")
        if act == "write":
            words = f"staff {len(self.written.get(name, []))}"
            self.store.world.update(number, {"staff_notes": f"{order['staff_notes']}\n{words}"})
            self.written.setdefault(name, []).append(words)
            return
        found = self.workers[0].ledger.sales.get(f"till:{name}")
        if found is None or found.state is not State.SYNCED:
            return
        if act == "move":
            self.store.world.update(number, {"status_id": BY_STAFF})
            self.moved.add(name)
            return
        beans = next(line for line in self.store.world.kept[number].lines if line["name"] == "Beans")
        before, sides = Decimal(order["total_inc_tax"]), ("inc_tax", "ex_tax")
        shown = {
            f"total_{side}": str(Decimal(order[f"total_{side}"]) + Decimal(beans[f"price_{side}"])) for side in sides
        }
        body = {"products": [{"id": beans["id"], "quantity": beans["quantity"] + 1}]}
        self.store.world.update(number, body | shown)
        moved = Decimal(shown["total_inc_tax"]) - before
        self.shifted[name] = self.shifted.get(name, Decimal(0)) + moved

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

    @rule(down=st.sampled_from([False, False, True]))
    def the_store_goes_away_or_comes_back(self, down: bool) -> None:
        self.store.down = down

    # What happens to the machine

    @rule(seconds=st.sampled_from([0.5, 10.0, 61.0, 130.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_time(seconds)
        self.store.tick()

    @rule(
        act=st.sampled_from(["clock", "restart", "backup", "restore", "lose", "wind back", "quiet", "quiet", "quiet"])
    )
    def something_happens_to_the_machine(self, act: str) -> None:
        {
            "clock": self.set_the_clock,
            "restart": self.start_again,
            "backup": self.make_backup,
            "restore": self.restore_backup,
            "lose": self.lose_the_ledger,
            "wind back": self.wind_back,
            "quiet": self.be_quiet,
        }[act]()

    def set_the_clock(self) -> None:
        """A day back or on; not so far back that the sales would lie in the future, for those are held, and stay so."""
        early = self.clock.now().day < 23
        self.clock.jump(86_400.0 if early else -86_400.0)

    def be_quiet(self) -> None:
        """Nothing happens for a while, and whoever has something to do, does it."""
        self.store.down = False
        for _ in range(3):
            self.clock.pass_time(130)
            self.store.tick()
            for worker in self.workers:
                worker.push()

    def start_again(self) -> None:
        self.close()
        self.clock.pass_time(30)
        self.store.tick()
        self.clock.reboot()
        self.store.late = [(self.clock.elapsed().seconds + 80, commit) for _, commit in self.store.late]
        self.workers = [self.worker(), self.worker()]

    def close(self) -> None:
        for worker in self.workers:
            worker.close()

    def make_backup(self) -> None:
        self.close()
        copy_ledger(self.file, self.backup)
        self.workers = [self.worker(), self.worker()]

    def restore_backup(self) -> None:
        """And what was on the wire has landed: nobody restores a backup within two minutes."""
        if self.backup.exists():
            self.close()
            self.wait_for_what_is_late()
            copy_ledger(self.backup, self.file)
            self.workers = [self.worker(), self.worker()]
            self.say_all_again()

    def lose_the_ledger(self) -> None:
        self.close()
        self.wait_for_what_is_late()
        for file in self.file.parent.glob("ledger.db*"):
            file.unlink()
        self.file.write_bytes(empty_ledger())
        self.workers = [self.worker(), self.worker()]
        self.say_all_again()

    def wind_back(self) -> None:
        """The rows are those of an earlier moment, under workers that live on: a lagging replica took over."""
        if self.backup.exists():
            self.wait_for_what_is_late()
            with sqlite3.connect(self.backup) as then, sqlite3.connect(self.file) as now:
                then.backup(now)
            self.say_all_again()

    def wait_for_what_is_late(self) -> None:
        self.clock.pass_time(150)
        self.store.tick()

    def say_all_again(self) -> None:
        self.restored |= self.sales.keys()
        for order in self.sales.values():
            self.workers[0].record(order)

    # What people do

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), act=st.sampled_from(["retry", "release", "accept", "skip", "hold"]))
    def a_person_acts(self, data: st.DataObject, act: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.sales)))
        moved = self.workers[0].ledger.sales.decide(Verb(act), Selection(keys=(f"till:{name}",)), "ada", "by hand")
        if act == "accept" and moved.moved:
            self.accepted.add(name)
        if act == "release" and moved.moved:
            self.moved.discard(name)  # a release says the status again, whoever moved it

    # What must hold

    @invariant()
    def no_sale_has_two_orders(self) -> None:
        for name in self.sales:
            live = self.store.live(f"till:{name}")
            assert len(live) <= 1, f"{name} has {len(live)} orders"

    @invariant()
    def no_sale_is_gone_and_its_audit_explains_its_state(self) -> None:
        for name in self.sales:
            story = self.workers[0].ledger.sales.story(f"till:{name}")
            assert story is not None, f"{name} is not in the ledger"
            assert explained(story, story.audit[-1].after, story.sale.state.value)
            for one, two in zip(story.audit, story.audit[1:], strict=False):
                assert explained(story, one.after, two.before), (one, two)

    def teardown(self) -> None:
        """Let it come to rest and count; whatever that shows, nothing stays open."""
        if hasattr(self, "workers"):
            try:
                self.come_to_rest()
            finally:
                self.close()
                self.folder.cleanup()

    def come_to_rest(self) -> None:
        """Without faults, everything ends as its facts say."""
        self.store.down = False
        for _ in range(12):
            self.clock.pass_time(1000)
            self.store.tick()
            for worker in self.workers:
                worker.push()
        self.no_sale_has_two_orders()
        for name, order in self.sales.items():
            found = self.workers[0].ledger.sales.get(f"till:{name}")
            assert found is not None
            live = self.store.live(f"till:{name}")
            step = next_step(found, StorePolicy(RULES, POLICY), Now.of(self.clock))
            assert status_of(step).state is found.state, f"{name} is {found.state}; its facts say {step}"
            assert not isinstance(step, Create | Change | LookUp), f"{name} rests, and {step} follows"
            if found.state is State.SYNCED:
                assert [one["id"] for one in live] == [found.order_id]
                if name not in self.accepted:
                    self.says(live[0], order, name, "; ".join(found.belief.differs))
            else:
                assert found.state in _STOPPED, f"{name} rests as {found.state}: {found.why}"
                told = found.why.startswith("BigCommerce made it a total")
                assert not told or found.order_id in self.store.lied, f"{name} is held for no reason: {found.why}"

    def says(self, there: Mapping[str, Any], order: CanonicalOrder, name: str, told: str) -> None:
        """The order says what the sale says and what staff said; after a ledger was lost, a person is told what it does not."""
        assert order.status in STATUS, f"{name} is {order.status}, and was pushed"
        assert not order.training, f"{name} is a training sale, and was pushed"
        assert "poison" not in order.note or name in self.restored
        shift = self.shifted.get(name, Decimal(0))  # a ledger that was restored does not know which lines are staff's
        # 840 parts: any share of up to eight changes that staff made
        shifts = {shift * part / 840 for part in range(841)} if name in self.restored else {shift}
        if order.status is not SaleStatus.VOIDED:  # a void changes the status alone
            totals = {order.total_inc_tax + shift for shift in shifts}
            assert Decimal(there["total_inc_tax"]) in totals, f"{name}: {there['total_inc_tax']}, wanted {totals}"
            if not self.shifted.get(name):
                assert Decimal(there["total_tax"]) == order.total_tax
                assert there["items_total"] == sum(line.quantity for line in order.lines)
            assert [fee["display_name_customer"] for fee in there["fees"]] == [fee.name for fee in order.fees]
            assert order.note in there["staff_notes"] or name in self.restored
        for words in self.written.get(name, ()):
            assert words in there["staff_notes"], f"{words} was lost from {name}"
        if there["status_id"] != STATUS[order.status]:
            is_told = name in self.restored and "its status is" in told
            assert is_told or there["status_id"] == BY_STAFF, (
                f"{name} is {order.status}, its order {there['status_id']}"
            )
        if name in self.moved and name not in self.restored:
            assert there["status_id"] == BY_STAFF


def _settings(examples: int, *, shrink: bool = True) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        print_blob=True,
        report_multiple_bugs=False,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink] if shrink else [Phase.generate],
    )


def test_any_life_of_sales_ends_with_what_their_facts_say() -> None:
    with put_back():
        run_state_machine_as_test(Lives, settings=_settings(EXAMPLES, shrink=EXAMPLES <= _SHRUNK))


@pytest.mark.chaos
@pytest.mark.parametrize("bug", BUGS)
def test_the_same_lives_find_each_bug_of_before(bug: int) -> None:
    with put_back(bug), pytest.raises(AssertionError):
        run_state_machine_as_test(Lives, settings=_settings(400, shrink=False))
