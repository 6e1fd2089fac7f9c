"""Real exports, damaged in the ways that exports are damaged: no receipt vanishes, and no order has a total that none states.

python -m tests.chaos.fuzz_files --mutations 2000 --seed 1

Every receipt whose rows survived the damage must end as exactly one of: order, held, fault, waiting. What may be pushed must have
the total that the undamaged export states for it.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.canonical import CanonicalOrder, Fault, fingerprint
from syncd.canonical.kinds import SaleStatus
from syncd.clock import BootTime, Now
from syncd.sale.sale import IncomingVersion, new_sale
from syncd.sale.states import State
from syncd.sources import SourceContext
from syncd.sources.csv.source import CsvSource
from syncd.testing.clocks import ManualClock
from tests.chaos.spreadsheet_damage import IDS, WHOLE, as_csv, rows_of
from tests.deciders import DECIDER
from tests.exports import csv_settings
from tests.shared import SAMPLES

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Dice = random.Random
Files = dict[str, bytes]


@dataclass(frozen=True)
class Sample:
    """An export as it was found, and the settings that read it."""

    name: str
    files: tuple[str, ...]
    settings: Mapping[str, Any]

    def read(self) -> Files:
        return {Path(path).name: (SAMPLES / path).read_bytes() for path in self.files}


USD = {"currency": "USD", "timezone": "America/Chicago", "date_order": "mdy"}
RECEIPTS_2017 = ("square-legacy-2017/dashboard-transactions-1-2.csv", "square-legacy-2017/dashboard-items-1.csv")
ANY = {"only": ["any"], "unpaid": "push"}
MAIN = (
    Sample("square items", ("square-csv/items-33col-2026-05.csv",), {"preset": "square", "currency": "USD"}),
    Sample("square both", RECEIPTS_2017, {"preset": "square", **USD}),
    Sample(
        "square sums", ("square-csv/reconstructed-transactions-55col.csv",), {"preset": "square", "currency": "USD"}
    ),
    Sample(
        "lightspeed",
        ("lightspeed-x/reconstructed-sales-history-ledger.csv",),
        {"preset": "lightspeed_x", "currency": "NZD", "timezone": "Pacific/Auckland"},
    ),
    Sample("shopify 75", ("shopify-csv/orders_export-75col-felixtellmann.csv",), {"preset": "shopify", **ANY}),
    Sample("shopify 79", ("shopify-csv/orders_export-79col-zhangerson.csv",), {"preset": "shopify", **ANY}),
    Sample(
        "loyverse", ("loyverse-csv/receipts.csv", "loyverse-csv/receipts-by-item.csv"), {"preset": "loyverse", **USD}
    ),
    Sample("clover", ("clover-csv/reconstructed-orders.csv",), {"preset": "clover", "timezone": "America/New_York"}),
)


@dataclass
class Ends:
    """What became of the receipts of a folder: the orders that may be pushed, and everything else by its words."""

    totals: dict[str, list[Decimal]] = field(default_factory=dict)
    stated: dict[str, Decimal] = field(default_factory=dict)  # of every sale, those that are not pushed too
    quiet: Counter[str] = field(default_factory=Counter)  # held and skipped sales
    faults: list[Fault] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)


def ends(folder: Path, sample: Sample, files: Files) -> Ends:
    """Drop the files, read them once, and route every sale."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
        os.utime(folder / name, (NOW.timestamp() - 10,) * 2)  # closed a moment ago
    settings = csv_settings({"path": folder, "settle": "0s", **sample.settings})
    source = CsvSource(settings, SourceContext("till", ManualClock(NOW), folder))
    found = Ends()
    for batch in source.fetch(None):
        found.faults += batch.faults
        for order in batch.orders:
            _end(order, batch.review_reasons.get(order.sale_id, ""), found)
    found.waiting = {path.name for path in folder.iterdir() if path.is_file()}
    return found


def _end(order: CanonicalOrder, hold: str, found: Ends) -> None:
    found.stated[order.sale_id] = order.total_inc_tax
    said = IncomingVersion(order, fingerprint(order), hold=hold)
    stands = DECIDER(new_sale(said, "main", NOW), Now(NOW, BootTime("boot", 0.0)), said)
    if stands.state is State.PENDING or order.status is SaleStatus.VOIDED:
        found.totals.setdefault(order.sale_id, []).append(order.total_inc_tax)
    else:
        found.quiet[order.sale_id] += 1


# Damage


def lines_of(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def cut(data: bytes, dice: Dice) -> bytes:
    body = data.index(b"\n") + 1
    while data[(at := dice.randrange(body + 1, len(data))) - 1] == 10:
        pass
    return data[:at]


def doubled(data: bytes, dice: Dice) -> bytes:
    return data.rstrip(b"\r\n") + b"\n" + (data if dice.random() < 0.5 else data[data.index(b"\n") + 1 :])


def shuffled(data: bytes, dice: Dice) -> bytes:
    head, *rows = rows_of(data)
    dice.shuffle(rows)
    return as_csv([head, *rows])


def columns_moved(data: bytes, dice: Dice) -> bytes:
    rows = rows_of(data)
    order = list(range(len(rows[0])))
    dice.shuffle(order)
    return as_csv([[row[n] if n < len(row) else "" for n in order] for row in rows], dice.choice(",;\t|"))


def quotes(data: bytes, dice: Dice) -> bytes:
    at = dice.randrange(data.index(b"\n") + 1, len(data))
    places = [n for n, byte in enumerate(data) if byte == 34 and n > data.index(b"\n")]
    if places and dice.random() < 0.5:
        at = dice.choice(places)
        return data[:at] + data[at + 1 :]
    near = [n for n in range(at, min(len(data), at + 80)) if data[n - 1] in b",\n"] or [at]
    return data[: near[0]] + b'"' + data[near[0] :]


def encoded(data: bytes, dice: Dice) -> bytes:
    text = data.decode("utf-8-sig")
    kind = dice.choice(("utf-16", "utf-8-sig", "cp1252", "spoilt"))
    if kind == "spoilt":
        at = dice.randrange(data.index(b"\n") + 1, len(data))
        return data[:at] + dice.choice((b"\xe9", b"\x00", b"\xff\xfe", b"\x81")) + data[at:]
    return text.encode(kind, "replace")


def decimal_marks(data: bytes, dice: Dice) -> bytes:
    head, *rows = rows_of(data)
    some = (
        {dice.randrange(len(rows)) for _ in range(dice.randint(1, 5))} if dice.random() < 0.7 else set(range(len(rows)))
    )
    for number in some:
        rows[number] = [_comma(cell) for cell in rows[number]]
    return as_csv([head, *rows])


def _comma(cell: str) -> str:
    bare = cell.strip().lstrip("-($").rstrip(")")
    return cell.replace(".", ",") if bare.replace(".", "").isdigit() and "." in bare else cell


def line_lost_or_torn(data: bytes, dice: Dice) -> bytes:
    lines = lines_of(data)
    at = dice.randrange(1, len(lines))
    torn = lines[at][: dice.randrange(len(lines[at]))] + b"\n"
    return b"".join([*lines[:at], torn, *lines[at + 1 :]])


Damage = Callable[[bytes, Dice], bytes]
DAMAGES: tuple[Damage, ...] = (
    cut, doubled, shuffled, columns_moved, quotes, encoded, decimal_marks, line_lost_or_torn,
)  # fmt: skip


def overlapping(files: Files, dice: Dice) -> Files:
    """Two exports of overlapping days for each one."""
    made: Files = {}
    for name, data in files.items():
        head, *rows = rows_of(data)
        first, last = sorted((dice.randint(0, len(rows)), dice.randint(0, len(rows))))
        made[f"a-{name}"] = as_csv([head, *rows[:last]])
        made[f"b-{name}"] = as_csv([head, *rows[first:]])
    return made


# Judgement


def wrong(sample: Sample, files: Files, good: Ends, keys: Mapping[str, set[bytes]], folder: Path) -> list[str]:
    """What is wrong with how the damaged files ended; empty where nothing is."""
    found = ends(folder, sample, files)
    told: list[str] = []
    for key, totals in found.totals.items():
        if len(set(totals)) > 1 or (key in good.stated and totals[0] != good.stated[key]):
            told.append(f"{key}: {totals}, and the receipt states {good.stated.get(key)}")
        elif key not in good.stated and totals[0] not in good.stated.values():
            told.append(f"{key}: a total of {totals[0]}, which no receipt states")
    whole = {fault.where for fault in found.faults if ":" not in fault.where}
    present = set().union(*(set(data.splitlines()) for data in files.values()))
    for key, rows in keys.items():
        named = key.split("@")[0]
        faulty = any(named in fault.sale or named in fault.raw for fault in found.faults)
        ended = key in found.totals or found.quiet[key] or faulty
        if not ended and rows <= present and not whole and not found.waiting:
            told.append(f"{key} vanished")
    return told


def wrong_after(sample: Sample, files: Files, good: Ends, folder: Path, *, ids_kept: bool) -> list[str]:
    """The same after damage that leaves every receipt in the files: no sale under an id of its own making, and none vanished."""
    found = ends(folder, sample, files)
    told = [f"{key}: a sale that is none" for key in found.totals if key not in good.stated]
    told += [
        f"{key}: {totals}, and the receipt states {good.stated[key]}"
        for key, totals in found.totals.items()
        if key in good.stated and set(totals) != {good.stated[key]}
    ]
    aside = any(":" not in fault.where for fault in found.faults) or found.waiting
    if ids_kept and not aside:
        raws = "\n".join(f"{fault.sale} {fault.raw}" for fault in found.faults)
        left = good.stated.keys() - found.totals.keys() - found.quiet.keys()
        told += [f"{key} vanished" for key in left if key.split("@")[0] not in raws]
    elif not aside:
        ended = (
            len(found.totals) + len(found.quiet) + len(found.faults)
        )  # a receipt that did not come out is a fault at least
        told += [f"of {len(good.stated)} receipts {ended} ended"] if ended < len(good.stated) else []
    return told


def keys_of(good: Ends, files: Files) -> dict[str, set[bytes]]:
    """For each sale of the undamaged export, the lines that it stands on (as far as its id shows in them)."""
    lines = [line for data in files.values() for line in data.splitlines()]
    return {key: {line for line in lines if key.split("@")[0].encode() in line} for key in good.stated}


def fuzz(mutations: int, seed: int, seconds: float = 300.0) -> tuple[int, list[str]]:
    """How many mutations were tried within the time, and what went wrong."""
    dice, begin = Dice(seed), time.monotonic()
    told: list[str] = []
    with tempfile.TemporaryDirectory() as text:
        bases = []
        for number, sample in enumerate(MAIN):
            (folder := Path(text) / f"base{number}").mkdir()
            files = sample.read()
            good = ends(folder, sample, files)
            bases.append((sample, files, good, keys_of(good, files)))
        for turn in range(mutations):
            if time.monotonic() - begin > seconds:
                return turn, told
            sample, files, good, keys = bases[turn % len(bases)]
            (folder := Path(text) / f"turn{turn}").mkdir()
            kind = dice.randrange(len(DAMAGES) + 2 + len(IDS) + len(WHOLE))
            if kind >= len(DAMAGES) + 2:
                changes = (*IDS, *WHOLE)
                change = changes[kind - len(DAMAGES) - 2]
                changed: Files = {}
                for name, data in files.items():
                    changed |= change(name, data, dice)
                ids_kept = change not in IDS
                told += [
                    f"turn {turn}, {sample.name}, {change.__name__}: {one}"
                    for one in wrong_after(sample, changed, good, folder, ids_kept=ids_kept)
                ]
                continue
            if kind < len(DAMAGES):
                name = dice.choice(list(files))
                damaged = {**files, name: DAMAGES[kind](files[name], dice)}
                how = DAMAGES[kind].__name__
            else:
                damaged, how = overlapping(files, dice), "overlapping"
            told += [f"turn {turn}, {sample.name}, {how}: {one}" for one in wrong(sample, damaged, good, keys, folder)]
    return mutations, told


def main() -> None:
    """Fuzz and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begin = time.monotonic()
    tried, told = fuzz(options.mutations, options.seed)
    print(f"{tried} mutations in {time.monotonic() - begin:.0f} s: {len(told)} wrong")
    for line in told[:40]:
        print(f"  {line}")
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
