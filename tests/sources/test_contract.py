"""Every adapter of ours against the contract that third parties' adapters are held to."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import openpyxl
import paramiko
import pytest
from pydantic import SecretStr

from syncd.canonical import CanonicalOrder
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource
from syncd.sources.folder import FolderSettings
from syncd.sources.jsonl import JsonlSource
from syncd.sources.poslog.settings import PosLogSettings
from syncd.sources.poslog.source import PosLogSource
from syncd.testing.clocks import ManualClock
from syncd.testing.contract import SourceContract
from syncd.testing.orders import sale
from tests import poslog_files
from tests.doubles.bucket import BucketDouble
from tests.doubles.clover import CloverDouble
from tests.doubles.lightspeed_x import LightspeedDouble
from tests.doubles.loyverse import LoyverseDouble
from tests.doubles.odoo import OdooDouble
from tests.doubles.rest import RestDouble
from tests.doubles.sftp import PASSWORD, USER, SftpDouble
from tests.doubles.shopify_pos import ShopifyDouble
from tests.doubles.square import SquareDouble
from tests.exports import csv_settings
from tests.shared import needs_samples
from tests.tills.odoo import OdooTables
from tests.tills.opensourcepos import OpenSourcePos
from tests.tills.unicenta import UniCenta

MANY = int(os.environ.get("SYNCD_MANY", "1500"))  # 20,000 in `make chaos`


class TestSquare(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[SquareDouble]:
        with SquareDouble() as double:
            yield double


class TestSquareWithTokensThatRotate(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[SquareDouble]:
        with SquareDouble() as double:
            double.refresh = "first-refresh"
            yield double


class TestLightspeedX(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[LightspeedDouble]:
        with LightspeedDouble() as double:
            double.refresh = "first-refresh"
            yield double


class TestLoyverse(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[LoyverseDouble]:
        with LoyverseDouble() as double:
            yield double


class TestClover(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[CloverDouble]:
        with CloverDouble() as double:
            double.refresh = "first-refresh"
            yield double


class TestShopifyPos(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[ShopifyDouble]:
        with ShopifyDouble() as double:
            yield double


class TestRest(SourceContract):
    many = MANY

    @pytest.fixture(params=["page", "offset", "cursor", "link", "header"])
    def pos(self, request: pytest.FixtureRequest) -> Iterator[RestDouble]:
        with RestDouble(by=request.param) as double:
            yield double


class TestRestWithoutAnEndOfItsSpans(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[RestDouble]:
        with RestDouble(until=False) as double:
            double.details = True
            yield double


class Exports:
    """A till that writes files: every few sales one, and one more for each edit."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.folder = ManualClock(), folder
        self.files = 0
        self.sales: dict[str, CanonicalOrder] = {}

    def offer_again(self) -> None:
        for file in sorted((self.folder / "processed").glob("export-*")):
            if not file.name.endswith(".faults.csv"):
                file.rename(self.folder / file.name)

    def sell(self, count: int) -> list[str]:
        ids = []
        for _ in range(count):
            self.clock.pass_time(1)
            number = str(len(self.sales) + 1)
            self.sales[number] = sale(source="till", sale_id=number, number=number, placed_at=self.clock.now())
            ids.append(number)
            if len(ids) % 4 == 0:
                self.write(ids[-4:])
        self.write(ids[len(ids) // 4 * 4 :])
        return ids

    def sell_many(self, count: int) -> list[str]:
        begin, first = self.clock.now() - timedelta(days=30), len(self.sales) + 1
        ids = [str(number) for number in range(first, first + count)]
        for number, key in enumerate(ids):
            self.sales[key] = sale(source="till", sale_id=key, placed_at=begin + timedelta(seconds=number))
        self.write(ids)
        return ids

    def edit(self, sale_id: str) -> None:
        self.sales[sale_id] = self.sales[sale_id].model_copy(update={"note": f"edit {self.clock.now():%H:%M:%S}"})
        self.write([sale_id])

    def write(self, ids: list[str]) -> None:
        if ids:
            self.files += 1
            path = self.folder / f"export-{self.files:04d}.{self.suffix}"
            path.write_text(self.content([self.sales[key] for key in ids]), encoding="utf-8")

    suffix = "jsonl"

    def content(self, sales: list[CanonicalOrder]) -> str:
        return "".join(f"{one.to_json()}\n" for one in sales)


class JsonLines(Exports):
    adapter = JsonlSource

    def settings(self) -> FolderSettings:
        return FolderSettings.model_validate({"path": self.folder, "settle": "0s"})

    def spoil(self, sale_id: str) -> None:
        for file in self.folder.glob("export-*"):
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            for line in lines:
                if line["sale_id"] == sale_id:
                    line["total_inc_tax"] = "a lot"
            file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


class GenericCsv(Exports):
    adapter = CsvSource
    suffix = "csv"

    def settings(self) -> CsvSettings:
        table = {"path": self.folder, "settle": "0s", "currency": "USD", "timezone": "UTC", "date_order": "ymd"}
        return csv_settings(table)

    def content(self, sales: list[CanonicalOrder]) -> str:
        rows = ["sale_id,date,name,quantity,price,line_total,tax,total,note"]
        for one in sales:
            note = f"{one.note}"
            at = f"{one.placed_at:%Y-%m-%d %H:%M:%S}"
            for line in one.lines:
                tax = line.total_inc_tax - line.total_ex_tax
                rows.append(
                    f"{one.sale_id},{at},{line.name},1,{line.total_ex_tax},{line.total_ex_tax},{tax},{one.total_inc_tax},{note}"
                )
        return "\n".join(rows) + "\n"

    def spoil(self, sale_id: str) -> None:
        for file in self.folder.glob("export-*"):
            lines = file.read_text().splitlines()
            spoilt = [line.replace(":", "h") if line.startswith(f"{sale_id},") else line for line in lines]
            file.write_text("\n".join(spoilt) + "\n")


class TestJsonLines(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self, tmp_path: Path) -> JsonLines:
        return JsonLines(tmp_path)


class TestCsv(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self, tmp_path: Path) -> GenericCsv:
        return GenericCsv(tmp_path)


@needs_samples
class TestOpenSourcePos(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[OpenSourcePos]:
        with OpenSourcePos.running() as till:
            yield till


@needs_samples
class TestUniCentaOnMariaDb(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[UniCenta]:
        with UniCenta.running() as till:
            yield till


@needs_samples
@pytest.mark.postgresql
class TestUniCentaOnPostgresql(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[UniCenta]:
        with UniCenta.running("postgresql") as till:
            yield till


class TestOdoo(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[OdooDouble]:
        with OdooDouble() as double:
            yield double


class TestOdooOverJson2(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self) -> Iterator[OdooDouble]:
        with OdooDouble(api="json2") as double:
            yield double


@pytest.mark.postgresql
class TestOdooTables(SourceContract):
    many = MANY

    @pytest.fixture(params=[13, 18])
    def pos(self, request: pytest.FixtureRequest) -> Iterator[OdooTables]:
        with OdooTables.running(request.param) as till:
            yield till


class PosLogFiles(Exports):
    adapter = PosLogSource
    suffix = "xml"

    def settings(self) -> PosLogSettings:
        return PosLogSettings.model_validate({"path": self.folder, "settle": "0s"})

    def sell(self, count: int) -> list[str]:
        return [f"300-{key}" for key in super().sell(count)]

    def edit(self, sale_id: str) -> None:
        super().edit(sale_id.removeprefix("300-"))

    def content(self, sales: list[CanonicalOrder]) -> str:
        return poslog_files.of_sales(sales)

    def spoil(self, sale_id: str) -> None:
        number = sale_id.removeprefix("300-")
        for file in self.folder.glob("export-*"):
            begin, mark, rest = file.read_text().partition(f"<TransactionID>{number}<")
            file.write_text(begin + mark + rest.replace("<ExtendedAmount>", "<ExtendedAmount>x", 1) if mark else begin)


class TestPosLog(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self, tmp_path: Path) -> PosLogFiles:
        return PosLogFiles(tmp_path)


class Workbooks(GenericCsv):
    """The same till, whose exports are workbooks."""

    suffix = "xlsx"

    def write(self, ids: list[str]) -> None:
        if ids:
            self.files += 1
            book = openpyxl.Workbook(write_only=True)
            sheet = book.create_sheet("Sales")
            for row in csv.reader(self.content([self.sales[key] for key in ids]).splitlines()):
                sheet.append(row)
            book.save(self.folder / f"export-{self.files:04d}.xlsx")

    def spoil(self, sale_id: str) -> None:
        for file in self.folder.glob("export-*"):
            rows = list(openpyxl.load_workbook(file).active.values)
            book = openpyxl.Workbook(write_only=True)
            sheet = book.create_sheet("Sales")
            for row in rows:
                sheet.append([str(cell or "").replace(":", "h") for cell in row] if row[0] == sale_id else row)
            book.save(file)


class TestWorkbooks(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self, tmp_path: Path) -> Workbooks:
        return Workbooks(tmp_path)


class OnAServer(GenericCsv):
    """The same till, whose exports lie on an SFTP server."""

    def __init__(self, folder: Path, server: SftpDouble) -> None:
        super().__init__(server.folder)
        self.here, self.server = folder, server

    def settings(self) -> CsvSettings:
        there = {"host": "127.0.0.1", "port": self.server.port, "user": USER, "host_key": self.server.host_key}
        table = {"path": self.here, "settle": "0s", "currency": "USD", "timezone": "UTC", "date_order": "ymd"}
        return csv_settings(table | {"sftp": there | {"password": SecretStr(PASSWORD)}})

    def write(self, ids: list[str]) -> None:
        super().write(ids)
        self._age()

    def spoil(self, sale_id: str) -> None:
        super().spoil(sale_id)
        self._age()

    def _age(self) -> None:
        for file in self.folder.glob("export-*"):
            os.utime(file, (self.files, self.files))  # long ago: it stands still

    def expire_token(self) -> None:
        self.server.key = paramiko.ECDSAKey.generate()


class InABucket(GenericCsv):
    """The same till, whose exports lie in a bucket."""

    def __init__(self, folder: Path, bucket: BucketDouble) -> None:
        super().__init__(folder / "made")
        self.here, self.bucket = folder / "here", bucket
        self.folder.mkdir()

    def settings(self) -> CsvSettings:
        table = {"path": self.here, "settle": "0s", "currency": "USD", "timezone": "UTC", "date_order": "ymd"}
        return csv_settings(table | {"bucket": self.bucket.table()})

    def write(self, ids: list[str]) -> None:
        super().write(ids)
        self.bucket.take(self.folder)

    def spoil(self, sale_id: str) -> None:
        for name in self.bucket.names:
            lines = self.bucket.text(name).splitlines()
            spoilt = [line.replace(":", "h") if line.startswith(f"{sale_id},") else line for line in lines]
            self.bucket.put(name, "\n".join(spoilt) + "\n")

    def offer_again(self) -> None:
        for file in sorted((self.here / "processed").glob("export-*")) if self.here.is_dir() else ():
            if not file.name.endswith(".faults.csv"):
                file.rename(self.here / file.name)


class TestCsvInABucket(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self, tmp_path: Path) -> Iterator[InABucket]:
        with BucketDouble() as bucket:
            yield InABucket(tmp_path, bucket)


class TestCsvOverSftp(SourceContract):
    many = MANY

    @pytest.fixture
    def pos(self, tmp_path: Path) -> Iterator[OnAServer]:
        (tmp_path / "there").mkdir()
        with SftpDouble(tmp_path / "there") as server:
            yield OnAServer(tmp_path / "here", server)
