"""Whole lives of sales, in one process on a clock of its own: real ledger, real pusher, the sandbox's orders.

Sales are made, edited, voided and taken back, refunded once, twice and corrected, given back and exchanged; versions are dated or
not, arrive again and out of their order; answers to POST, PUT and refunds get lost or come late, look-ups lag, staff change orders,
processes are killed, the ledger is restored from a while ago. In the end an oracle compares each order with its sale's last word.

python -m tests.chaos.life --seed 1 --sales 200
python -m tests.chaos.life --seed 1 --sales 200 --database postgresql --refunds record
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog

from syncd.canonical import CanonicalOrder
from syncd.mapping.rules import Rules
from tests.chaos.life_oracle import Staff, There, wrong
from tests.chaos.life_till import Living, Till
from tests.databases import ledger_url
from tests.model.restoring import Restoring
from tests.model.simulation import RULES, Fate, Shop

_FATES: tuple[Fate, ...] = (
    "lost before",
    "lost after",
    "late",
    "crash before",
    "crash after",
    "crash late",
    "throttled",
)
_FATES += ("not sent",)
_QUIET = 14


@dataclass(frozen=True)
class Storm:
    """How many sales, from which seed, on which database, with refunds as statuses or as records."""

    sales: int
    seed: int
    database: str = "sqlite"
    refunds: str = "status"
    restores: bool = True


@dataclass(frozen=True)
class Outcome:
    """What was found in the end: differences that nobody was told of; how many sales ended held, how many with words."""

    differences: tuple[str, ...]
    held: int
    told: int
    versions: int
    seconds: float


class Life:
    """One storm."""

    def __init__(self, storm: Storm, folder: Path, url: str) -> None:
        self.dice, self.storm = random.Random(storm.seed), storm
        rules = Rules.model_validate(RULES.model_dump() | {"refunds": storm.refunds})
        self.till, self.staff = Till(self.dice), dict[str, Staff]()
        self.shop = Shop(folder, rules, url)
        self.ledger = Restoring(self.shop, folder)
        self.since_backup: list[tuple[CanonicalOrder, datetime | None]] = []

    def rage(self) -> None:
        """Let it all happen."""
        while len(self.till.sales) < self.storm.sales:
            self._step()
        for sale in list(self.till.sales.values()):  # every one of them has a last word
            if self.dice.random() < 0.5 and sale.of is None:
                self._said(sale, self.till.live)

    def _step(self) -> None:  # noqa: C901, PLR0912  a list of things that happen
        match self.dice.choices(
            ("sell", "live", "give back", "exchange", "older", "staff", "push", "time", "restore", "backup"),
            (20, 30, 4, 3, 4, 4, 24, 12, 0.6 if self.storm.restores else 0, 1.0),
        )[0]:
            case "sell":
                self._tell(*self.till.sell().versions[-1])
            case "live":
                if sale := self._any():
                    self._said(sale, self.till.live)
            case "give back":
                self._give_back()
            case "exchange":
                if (sale := self._any()) and (new := self.till.exchange(sale)):
                    self._tell(*new.versions[-1])
            case "older":
                if old := self.till.older():
                    self._tell(*old)
            case "staff":
                self._staff_acts()
            case "push":
                fates = [self.dice.choice(_FATES) for _ in range(self.dice.choice((0, 0, 1, 2)))]
                self.shop.store.lag_s = self.dice.choice((0.0, 0.0, 30.0))
                self.shop.push(*fates, lateness=self.dice.choice((5.0, 61.0, 85.0)))  # and 30 s until lists show it
                self.shop.store.fates.clear()
            case "time":
                self.shop.pass_time(self.dice.choice((1, 10, 61, 130)))
            case "backup":
                self.ledger.back_up()
                self.since_backup = []
            case "restore":
                self._restore()

    def _give_back(self) -> None:
        """Goods come back; often more of the same sale, or an edit of it, comes in the same minute."""
        sale = self._any()
        for _ in range(self.dice.choice((1, 2))):
            if sale and (back := self.till.give_back(sale)):
                self._tell(*back.versions[-1])
        if sale and self.dice.random() < 0.4:
            self._said(sale, self.till.live)

    def _any(self) -> Living | None:
        sales = [sale for sale in self.till.sales.values() if sale.of is None]
        return self.dice.choice(sales) if sales else None

    def _said(self, sale: Living, act: Any) -> None:
        act(sale)
        self._tell(*sale.versions[-1])
        if self.dice.random() < 0.1:
            self._tell(*sale.versions[-1])

    def _tell(self, order: CanonicalOrder, stated_at: datetime | None) -> None:
        self.shop.record(order, stated_at=stated_at)
        self.since_backup.append((order, stated_at))

    def _restore(self) -> None:
        """An earlier ledger comes back; the tills say again what they have said since."""
        self.shop.pass_time(150)  # what was on the wire has landed
        if not self.ledger.restore():
            return
        for order, stated_at in self.since_backup:
            self.shop.record(order, stated_at=stated_at)
        for name in self.till.sales:
            self.staff.setdefault(name, Staff()).restored = True

    def _staff_acts(self) -> None:
        """Staff change the order of a sale that is at rest, so that no change of ours that comes late undoes theirs."""
        if self.shop.store.late or not self.shop.store.orders:
            return
        number = self.dice.choice(sorted(self.shop.store.orders))
        order = self.shop.store.orders[number]
        name = str(order["external_order_id"]).removeprefix("till:")
        staff, world = self.staff.setdefault(name, Staff()), self.shop.store.world
        match self.dice.choice(("note", "line", "method", "address", "status")):
            case "note":
                staff.notes.append(f"staff {len(staff.notes)}")
                world.update(number, {"staff_notes": f"{order['staff_notes']}\n{staff.notes[-1]}"})
            case "line" if order["status_id"] == 10:
                self._staff_line(number, order, staff)
            case "method":
                staff.fields.add("payment method")
                world.update(number, {"payment_method": "By hand"})
            case "address":
                staff.fields.add("billing address")
                totals = {part: order[part] for part in _PAIRS}
                world.update(number, {"billing_address": order["billing_address"] | {"street_1": "By hand"}, **totals})
            case "status" if order["status_id"] == 10:
                staff.fields.add("status")
                world.update(number, {"status_id": 2})

    def _staff_line(self, number: int, order: dict[str, Any], staff: Staff) -> None:
        name, amount = f"Extra {len(staff.lines)}", Decimal(3)
        extra = {"name": name, "quantity": 1, "price_inc_tax": 3, "price_ex_tax": 3}
        totals = {part: str(Decimal(order[part]) + amount) for part in _PAIRS}
        self.shop.store.world.update(number, {"products": [extra], **totals})
        staff.lines.append((name, amount))

    def rest(self) -> None:
        """No more faults: let everything settle, with a restart in between."""
        self.shop.store.fates.clear()
        self.shop.store.lag_s = 0.0
        for turn in range(_QUIET):
            self.shop.pass_time(131)
            self.shop.push()
            if turn == _QUIET // 2:
                self.shop.restart()

    def differences(self) -> tuple[list[str], int, int]:
        """What nobody was told of; how many are held, and how many differ and say so."""
        found: list[str] = []
        held = told = 0
        for name, living in self.till.sales.items():
            sale = self.shop.worker.ledger.sales.get(f"till:{name}")
            held += sale is not None and sale.state.value in ("held", "rejected")
            told += sale is not None and bool(sale.belief.differs)
            if living.of is None:
                records = self.storm.refunds == "record"
                staff = self.staff.get(name, Staff())
                found += [f"{name}: {one}" for one in wrong(living, sale, self._there(name), staff, records=records)]
            elif sale is not None and sale.state.value in ("pending", "sending", "unknown", "skipped"):
                found.append(f"{name}: a return that is {sale.state}")
        return found, held, told

    def _there(self, name: str) -> There:
        world = self.shop.store.world
        orders = [order for order in self.shop.store.live(f"till:{name}") if not order["is_deleted"]]
        if not orders:
            return There([], [], None, [])
        kept = world.kept[orders[0]["id"]]
        lines = [line for line in kept.lines if line["quantity"]]
        return There(orders, lines, kept.shipping[0] if kept.shipping else None, list(kept.refunds))


_PAIRS = ("subtotal_inc_tax", "subtotal_ex_tax", "total_inc_tax", "total_ex_tax")


def storm(how: Storm) -> Outcome:
    """Rage, rest, compare."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ledger_url(how.database, Path(folder), migrated=True) as url:
        life = Life(how, Path(folder), url)
        try:
            life.rage()
            life.rest()
            found, held, told = life.differences()
        finally:
            life.shop.close()
        versions = sum(len(sale.versions) for sale in life.till.sales.values())
        return Outcome(tuple(found), held, told, versions, time.monotonic() - begin)


def be_quiet() -> None:
    """Log nothing: a storm is read by what it finds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main() -> int:
    """One storm from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="so many storms, from --seed on")
    parser.add_argument("--sales", type=int, default=200)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--refunds", choices=("status", "record", "both"), default="both")
    asked = parser.parse_args()
    be_quiet()
    bad = 0
    for seed in range(asked.seed, asked.seed + asked.seeds):
        for refunds in ("status", "record") if asked.refunds == "both" else (asked.refunds,):
            done = storm(Storm(asked.sales, seed, asked.database, refunds))
            print(
                f"seed {seed}, {refunds}, {asked.database}: {asked.sales} sales, {done.versions} versions, "
                f"{len(done.differences)} differences that nobody was told of, {done.held} held, {done.told} told; "
                f"{done.seconds:.0f} s"
            )
            for one in done.differences[:20]:
                print(f"  {one}")
            bad += len(done.differences)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
