"""Files that lie on an SFTP server: fetched whole, moved there or left, and a server that is not what it should be."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from pydantic import SecretStr, ValidationError

from syncd.canonical import CanonicalOrder, Fault
from syncd.errors import SourceError
from syncd.sources import SourceContext, sftp
from syncd.sources.csv.source import CsvSource
from syncd.sources.errors import SourceAccessDenied, SourceUnavailable
from syncd.sources.remote_settings import SftpSettings
from syncd.testing.clocks import ManualClock
from tests.doubles.sftp import PASSWORD, USER, SftpDouble
from tests.exports import csv_settings

HEAD = "sale id,date,name,quantity,line total,total\n"


def rows(*keys: str) -> str:
    return HEAD + "".join(f"{key},2026-11-20 10:00,Mug,1,5.00,5.00\n" for key in keys)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpDouble]:
    (tmp_path / "there").mkdir()
    with SftpDouble(tmp_path / "there") as double:
        yield double


class Shop:
    """A CSV source whose files lie on the server."""

    def __init__(self, server: SftpDouble, folder: Path, **more: Any) -> None:
        self.folder, self.clock = folder / "here", ManualClock()
        table = {
            "host": "127.0.0.1",
            "port": server.port,
            "user": USER,
            "host_key": server.host_key,
            "password": SecretStr(PASSWORD),
        }
        settings = csv_settings(
            {
                "path": self.folder,
                "settle": "0s",
                "currency": "USD",
                "timezone": "UTC",
                "date_order": "ymd",
                "sftp": {name: value for name, value in (table | more).items() if value is not None},
            }
        )
        self.source = CsvSource(settings, SourceContext("till", self.clock, folder))

    def poll(self) -> tuple[list[CanonicalOrder], list[Fault]]:
        batches = list(self.source.fetch(None))
        return [o for batch in batches for o in batch.orders], [f for batch in batches for f in batch.faults]

    def sales(self) -> list[str]:
        """Two polls: a file that is new over there is looked at twice."""
        (first, told), (second, more) = self.poll(), self.poll()
        assert (told, more) == ([], [])
        return sorted(order.sale_id for order in (*first, *second))


def test_a_file_that_cannot_be_opened_or_named_here_keeps_no_other_from_coming(
    server: SftpDouble, tmp_path: Path
) -> None:
    server.put("a.csv", rows("a"))
    server.put("b.csv", rows("b"))
    server.put("c.csv", rows("c"))
    server.names = [f"{'n' * 252}.csv", "nul\x00.csv"]
    server.unreadable = {"b.csv"}
    shop = Shop(server, tmp_path)
    (first, told), (second, more) = shop.poll(), shop.poll()
    assert sorted(order.sale_id for order in (*first, *second)) == ["a", "c"]
    assert {fault.where[:5] for fault in (*told, *more)} >= {"b.csv", "nnnnn"}


def walked(shop: Shop) -> tuple[list[str], SourceError | None]:
    """The sales of a poll, and how it ended."""
    seen: list[str] = []
    try:
        for batch in shop.source.fetch(None):
            seen += [order.sale_id for order in batch.orders]
    except SourceError as error:
        return seen, error
    return seen, None


def test_files_are_fetched_read_and_moved_over_there(server: SftpDouble, tmp_path: Path) -> None:
    server.put("may.csv", rows("a", "b"))
    server.put("notes.pdf", b"%PDF")
    shop = Shop(server, tmp_path)
    assert shop.sales() == ["a", "b"]
    assert sorted(path.name for path in server.folder.iterdir()) == ["notes.pdf", "processed"]
    assert [path.name for path in (server.folder / "processed").iterdir()] == ["may.csv"]
    server.put("may.csv", rows("c"))
    assert shop.sales() == ["c"]
    assert sorted(path.name for path in (server.folder / "processed").iterdir()) == ["1-may.csv", "may.csv"]


def test_files_that_are_to_stay_are_fetched_once_by_every_process(server: SftpDouble, tmp_path: Path) -> None:
    server.put("may.csv", rows("a"))
    shop = Shop(server, tmp_path, after="keep")
    assert shop.sales() == ["a"]
    assert Shop(server, tmp_path, after="keep").sales() == []
    server.put("may.csv", rows("a", "b", "c"))
    assert shop.sales() == ["a", "b", "c"]
    assert [path.name for path in server.folder.iterdir()] == ["may.csv"]


def test_a_key_opens_the_door_as_well(server: SftpDouble, tmp_path: Path) -> None:
    text = io.StringIO()
    server.client_key.write_private_key(text)
    server.put("may.csv", rows("a"))
    assert Shop(server, tmp_path, password=None, key=SecretStr(text.getvalue().strip())).sales() == ["a"]


def test_a_file_that_changes_while_it_is_fetched_is_fetched_again(server: SftpDouble, tmp_path: Path) -> None:
    path = server.put("may.csv", rows("a"))

    def grow(_name: str) -> None:
        server.on_read = lambda _name: None
        path.write_text(rows("a", "b"))
        os.utime(path, (5, 5))

    server.on_read = grow
    shop = Shop(server, tmp_path)
    assert shop.sales() == []
    assert list(shop.folder.glob("*.csv")) == []
    assert shop.sales() == ["a", "b"]


def test_a_server_with_another_key_is_told_nothing(server: SftpDouble, tmp_path: Path) -> None:
    server.put("may.csv", rows("a"))
    shop = Shop(server, tmp_path)
    server.key = paramiko.ECDSAKey.generate()
    with pytest.raises(SourceAccessDenied, match="which is not the one in host_key") as refused:
        shop.poll()
    assert "somebody stands in between" in refused.value.cure
    (finding, *_) = shop.source.check()
    assert finding.level == "error"
    assert (server.folder / "may.csv").exists()


def test_a_fingerprint_names_the_server_too(server: SftpDouble, tmp_path: Path) -> None:
    server.put("may.csv", rows("a"))
    assert Shop(server, tmp_path, host_key=server.key.fingerprint).sales() == ["a"]


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "SHA256: abc", "AAAAC3Nza"])
def test_a_host_key_that_is_none_is_refused_with_the_config(key: str) -> None:
    with pytest.raises(ValidationError, match="as ssh-keyscan prints it"):
        SftpSettings.model_validate({"host": "x", "user": "y", "host_key": key, "password": SecretStr("z")})


def test_a_wrong_password_is_told_and_never_shown(server: SftpDouble, tmp_path: Path) -> None:
    with pytest.raises(SourceAccessDenied, match="does not let us in") as refused:
        Shop(server, tmp_path, password=SecretStr("hunter2")).poll()
    assert "hunter2" not in f"{refused.value} {refused.value!r}"


@pytest.mark.parametrize("how", ["silent", "stuck", "gone"])
def test_a_server_that_hangs_costs_a_bounded_time_and_no_file(
    how: str, server: SftpDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "_ANSWER_S", 1)
    server.put("may.csv", rows("a"))
    shop = Shop(server, tmp_path, port=1 if how == "gone" else server.port)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "local.csv").write_text(rows("b"))
    if how == "silent":
        server.silent = True
    if how == "stuck":
        shop.poll()
        (tmp_path / "here" / "local.csv").write_text(rows("b"))
        server.stuck = True
    begun = time.monotonic()
    seen, trouble = walked(shop)
    assert isinstance(trouble, SourceUnavailable)
    assert "cannot be used" in trouble.what
    assert seen == ["b"]  # what lies here is read all the same
    assert time.monotonic() - begun < 15
    assert list(shop.folder.glob(".*.part")) == []


@pytest.mark.parametrize(
    ("says", "words"),
    [(3, "has 3 bytes, and gave"), (10_000, "bytes, and gave"), (3 << 30, "more than 2 GB")],
)
def test_a_server_that_lies_about_a_size_is_told_once_and_its_file_left(
    says: int, words: str, server: SftpDouble, tmp_path: Path
) -> None:
    server.put("may.csv", rows("a"))
    server.put("june.csv", rows("b"))
    server.sizes["may.csv"] = says
    shop = Shop(server, tmp_path)
    shop.poll()
    orders, (fault,) = shop.poll()
    assert [order.sale_id for order in orders] == ["b"]
    assert words in fault.reason
    assert shop.poll() == ([], [])
    assert (server.folder / "may.csv").exists()


def test_names_that_climb_out_of_the_folder_are_left_alone(server: SftpDouble, tmp_path: Path) -> None:
    server.names = ["../../evil.csv", "..", ".hidden.csv"]
    assert Shop(server, tmp_path).sales() == []


def test_a_server_that_lists_without_end_is_cut_off(
    server: SftpDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "MOST", 100)
    server.names = [f"{number}.csv" for number in range(500)]
    with pytest.raises(SourceUnavailable, match="lists more than 100 files"):
        Shop(server, tmp_path).poll()


def test_a_user_that_may_not_move_files_is_told_and_doubles_nothing(server: SftpDouble, tmp_path: Path) -> None:
    server.put("may.csv", rows("a"))
    server.may_move = False
    shop = Shop(server, tmp_path)
    shop.poll()
    seen, trouble = walked(shop)
    assert (seen, trouble is not None and "cannot be moved to processed" in trouble.what) == (["a"], True)


def test_checking_tells_how_many_files_wait(server: SftpDouble, tmp_path: Path) -> None:
    server.put("may.csv", rows("a"))
    findings = Shop(server, tmp_path).source.check()
    assert [finding.level for finding in findings] == ["ok", "ok"]
    assert "answers; 1 file there" in findings[0].what
