"""Files that lie in a bucket: fetched whole, moved there or left, and a bucket that does not let us in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore import exceptions
from pydantic import ValidationError

from syncd.canonical import CanonicalOrder, Fault
from syncd.errors import SourceError
from syncd.sources import SourceContext
from syncd.sources.csv.source import CsvSource
from syncd.sources.errors import SourceAccessDenied, SourceUnavailable
from syncd.sources.remote_settings import BucketSettings
from syncd.testing.clocks import ManualClock
from tests.doubles.bucket import BucketDouble
from tests.exports import csv_settings

HEAD = "sale id,date,name,quantity,line total,total\n"


def rows(*keys: str) -> str:
    return HEAD + "".join(f"{key},2026-11-20 10:00,Mug,1,5.00,5.00\n" for key in keys)


@pytest.fixture
def there() -> Iterator[BucketDouble]:
    with BucketDouble() as double:
        yield double


class Shop:
    """A CSV source whose files lie in the bucket."""

    def __init__(self, there: BucketDouble, folder: Path, **more: Any) -> None:
        self.folder, self.clock = folder / "here", ManualClock()
        table = {"path": self.folder, "settle": "0s", "currency": "USD", "timezone": "UTC", "date_order": "ymd"}
        settings = csv_settings(table | {"bucket": there.table(**more)})
        self.source = CsvSource(settings, SourceContext("till", self.clock, folder))

    def poll(self) -> tuple[list[str], list[Fault]]:
        batches = list(self.source.fetch(None))
        orders: list[CanonicalOrder] = [order for batch in batches for order in batch.orders]
        return sorted(order.sale_id for order in orders), [fault for batch in batches for fault in batch.faults]


def walked(shop: Shop) -> tuple[list[str], SourceError | None]:
    """The sales of a poll, and how it ended."""
    seen: list[str] = []
    try:
        for batch in shop.source.fetch(None):
            seen += [order.sale_id for order in batch.orders]
    except SourceError as error:
        return sorted(seen), error
    return sorted(seen), None


def test_files_are_fetched_read_and_moved_there(there: BucketDouble, tmp_path: Path) -> None:
    there.put("may.csv", rows("a", "b"))
    there.put("notes.pdf", "%PDF")
    there.put("archive/old.csv", rows("z"))
    shop = Shop(there, tmp_path)
    assert shop.poll() == (["a", "b"], [])
    assert there.names == ["archive/old.csv", "notes.pdf", "processed/may.csv"]
    assert (shop.folder / "processed" / "may.csv").is_file()
    there.put("may.csv", rows("c"))
    assert shop.poll() == (["c"], [])
    assert there.names[-2:] == ["processed/1-may.csv", "processed/may.csv"]


def test_files_that_are_left_there_are_fetched_once_each_and_again_when_they_change(
    there: BucketDouble, tmp_path: Path
) -> None:
    there.put("may.csv", rows("a"))
    shop = Shop(there, tmp_path, after="keep")
    assert shop.poll() == (["a"], [])
    assert shop.poll() == ([], [])
    there.put("may.csv", rows("a", "b"))
    assert shop.poll() == (["a", "b"], [])
    assert there.names == ["may.csv"]


def test_a_file_that_is_replaced_while_it_is_moved_stays(
    there: BucketDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.put("may.csv", rows("a"))
    copy = obstore.copy

    def replaced(store: Any, one: str, other: str, **more: Any) -> None:
        copy(store, one, other, **more)
        there.put("may.csv", rows("b"))

    monkeypatch.setattr(obstore, "copy", replaced)
    shop = Shop(there, tmp_path)
    assert shop.poll() == (["a"], [])
    monkeypatch.undo()
    assert shop.poll() == (["b"], [])


def test_a_file_that_is_replaced_before_it_is_read_is_fetched_as_it_is_then(
    there: BucketDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.put("may.csv", rows("a"))
    get = obstore.get

    def late(store: Any, name: str, **more: Any) -> Any:
        there.put("may.csv", rows("b"))
        return get(store, name, **more)

    monkeypatch.setattr(obstore, "get", late)
    shop = Shop(there, tmp_path)
    assert shop.poll() == ([], [])
    monkeypatch.undo()
    assert shop.poll() == (["b"], [])


def test_a_bucket_that_does_not_let_us_in_is_told_without_our_keys(there: BucketDouble, tmp_path: Path) -> None:
    shop = Shop(there, tmp_path)
    for url, kind in ((f"s3://{there.name}-gone/till", SourceUnavailable),):
        gone = Shop(there, tmp_path / "gone", url=url)
        with pytest.raises(kind, match="cannot be used") as caught:
            gone.poll()
        assert "secret-of-the-double" not in f"{caught.value!r} {caught.value}"
    (finding, *_) = shop.source.check()
    assert finding.what == f"s3://{there.name}/till answers; 0 files there"
    assert "of-the-double" not in repr(shop.source._inbox)


def test_where_nothing_may_be_moved_the_files_are_read_and_the_cure_is_told(
    there: BucketDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.put("may.csv", rows("a"))
    there.put("june.csv", rows("b"))

    def refused(*_: Any, **__: Any) -> None:
        raise exceptions.PermissionDeniedError("AccessDenied\nsecond line")

    monkeypatch.setattr(obstore, "copy", refused)
    shop = Shop(there, tmp_path)
    seen, trouble = walked(shop)
    assert seen == ["a", "b"]
    assert isinstance(trouble, SourceAccessDenied)
    assert trouble.what.endswith("cannot be moved to processed/: AccessDenied")
    assert 'after = "keep"' in trouble.cure


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"url": "ftp://x/y"}, "pattern"),
        ({"url": "s3://shop", "account": "x"}, "s3:// takes access_key and secret_key, or none of them"),
        ({"url": "az://shop", "account": "x"}, "az:// takes account and account_key, or none of them"),
        ({"url": "gs://shop", "endpoint": "https://x.example"}, "endpoint is for s3:// alone"),
        ({"url": "s3://shop", "endpoint": "http://x.example"}, "https"),
    ],
)
def test_settings_that_cannot_work_are_refused(table: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        BucketSettings.model_validate(table)
