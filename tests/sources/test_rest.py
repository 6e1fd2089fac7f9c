"""A POS with a JSON API, read by configuration alone."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from syncd.canonical.balance import check_balance
from syncd.sources import SourceContext
from syncd.sources.context import Memory
from syncd.sources.errors import SourceUnavailable
from syncd.sources.records import Excluded, ParsedSale, Unreadable
from syncd.sources.rest.expressions import search
from syncd.sources.rest.reading import read_document
from syncd.sources.rest.settings import RestSettings
from syncd.sources.rest.source import RestSource
from syncd.testing.contract import Notebook
from syncd.testing.double import CannedAnswer
from tests.doubles.rest import MAPPING, RestDouble

_EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def pos() -> Iterator[RestDouble]:
    with RestDouble() as double:
        yield double


def opened(pos: RestDouble, folder: Path, **more: Any) -> RestSource:
    pos.extra_settings = more
    context = SourceContext("till", pos.clock, folder, threading.Event(), Memory(), lambda: _EVER)
    return RestSource(pos.settings(), context)


def settings(**more: Any) -> RestSettings:
    table: dict[str, Any] = {
        "url": "https://pos.example.com/api",
        "auth": {"bearer": SecretStr("key")},
        "list": {"path": "/receipts"},
        "currency": "EUR",
        **MAPPING,
    }
    return RestSettings.model_validate(table | more)


def document(**changes: Any) -> dict[str, Any]:
    return {
        "ref": "R-1",
        "sold": "2026-11-20T10:00:00Z",
        "sums": {"gross": Decimal("12.00"), "vat": Decimal("1.92")},
        "state": "paid",
        "basket": [{"title": "Mug", "article": "M1", "count": 1, "gross": Decimal("12.00"), "vat": Decimal("1.92")}],
        "paid": [{"how": "Bar", "sum": Decimal("12.00")}],
        **changes,
    }


def test_a_document_becomes_the_sale_that_the_mapping_says() -> None:
    found = read_document(document(), settings(prices_include_tax=True), "till")
    assert isinstance(found, ParsedSale)
    order = found.order
    assert (order.sale_key, order.total_inc_tax, order.total_tax) == ("till:R-1", Decimal(12), Decimal("1.92"))
    assert (order.lines[0].total_ex_tax, order.tenders[0].kind.value) == (Decimal("10.08"), "cash")
    assert check_balance(order) == ()


def test_expressions_may_compute_with_exact_amounts() -> None:
    mapping = {**MAPPING["sale"], "total": "sum(basket[].gross)", "note": "join(', ', basket[].title)"}
    lines = [{"title": f"Mug {n}", "count": 1, "gross": Decimal("0.10"), "vat": Decimal(0)} for n in range(3)]
    found = read_document(document(basket=lines, paid=[]), settings(sale=mapping), "till")
    assert isinstance(found, ParsedSale)
    assert (found.order.total_inc_tax, found.order.note) == (Decimal("0.30"), "Mug 0, Mug 1, Mug 2")


def test_a_status_that_nobody_knows_holds_the_sale_and_can_be_mapped() -> None:
    held = read_document(document(state="frobnicated"), settings(), "till")
    assert isinstance(held, ParsedSale)
    assert "is not known: say what it means" in held.hold
    told = read_document(document(state="frobnicated"), settings(status_words={"frobnicated": "voided"}), "till")
    assert isinstance(told, ParsedSale)
    assert (told.hold, told.order.status.value) == ("", "voided")


def test_what_leave_out_finds_is_no_sale_of_the_tills() -> None:
    found = read_document(document(channel="web"), settings(leave_out="channel == 'web'"), "till")
    assert isinstance(found, Excluded)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sale": {"sale_id": "ref["}}, "is no JMESPath expression"),
        ({"sale": {"sale_id": "ref"}}, "placed_at is required"),
        ({"sale": {**MAPPING["sale"], "colour": "x"}}, "'colour' is nothing that is read"),
        ({"line": {"name": "title"}}, "total_ex_tax or total_inc_tax is required"),
        ({"auth": {}}, "must be one of: bearer; header and value; user and password"),
        ({"auth": {"bearer": SecretStr("a"), "user": "b", "password": SecretStr("c")}}, "must be one of"),
        ({"url": "http://pos.example.com"}, "https"),
        ({"list": {"path": "/x", "paging": {"by": "page"}}}, "parameter is required"),
        ({"list": {"path": "/x", "paging": {"by": "cursor", "parameter": "c"}}}, "next is required"),
        ({"list": {"path": "/x", "one": "/x"}}, "must have {id} in it"),
        ({"list": {"path": "/x", "details": True}}, "one is required with details"),
    ],
)
def test_a_config_that_cannot_work_is_refused_in_words(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        settings(**change)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ref": None}, "it has no sale_id"),
        ({"ref": {"id": 1}}, "finds an object, and not one value"),
        ({"basket": {"a": 1}}, "finds no list"),
        ({"basket": None}, "a sale needs its lines"),
        ({"sold": "yesterday"}, "placed_at is no time"),
        ({"sums": {"gross": "a lot"}}, "total: 'a lot' is no amount"),
    ],
)
def test_a_document_that_cannot_be_read_is_a_fault_that_names_the_expression(
    pos: RestDouble, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    good, bad = pos.sell(2)
    pos.made[bad] |= changes
    book = Notebook().walk(opened(pos, tmp_path).fetch(None))
    assert list(book.sales) == [f"till:{good}"]
    assert why in book.faults[0].reason


def test_a_sale_that_is_gone_when_it_is_asked_for_is_a_fault_and_no_order_without_lines(
    pos: RestDouble, tmp_path: Path
) -> None:
    pos.details = True
    kept, gone = pos.sell(2)
    source, listed = opened(pos, tmp_path), pos.answer
    pos.answer = lambda asked: CannedAnswer(404, {"error": "gone"}) if asked.path.endswith(gone) else listed(asked)  # type: ignore[method-assign]
    book = Notebook().walk(source.fetch(None))
    assert list(book.sales) == [f"till:{kept}"]
    assert [fault.sale for fault in book.faults] == [gone]


def test_a_link_to_another_server_is_not_followed(tmp_path: Path) -> None:
    with RestDouble(by="link") as pos:
        pos.sell(1)
        pos.next = [CannedAnswer(200, {"data": [], "meta": {"next": "https://elsewhere.example/api/receipts?x=1"}})]
        with pytest.raises(SourceUnavailable, match="on another server, elsewhere"):
            list(opened(pos, tmp_path).fetch(None))
        assert all("elsewhere" not in asked.path for asked in pos.asked)


def test_a_cursor_that_repeats_ends_in_words(tmp_path: Path) -> None:
    with RestDouble(by="cursor") as pos:
        pos.sell(9)
        answer = CannedAnswer(200, {"data": [], "meta": {"after": "same"}})
        pos.next = [answer, answer, answer]
        with pytest.raises(SourceUnavailable, match="the same cursor again"):
            list(opened(pos, tmp_path).fetch(None))


def test_the_key_is_in_no_repr_and_no_error(pos: RestDouble, tmp_path: Path) -> None:
    source = opened(pos, tmp_path)
    pos.expire_token()
    (finding,) = source.check()
    assert finding.level == "error"
    assert "key-of-the-double" not in f"{finding} {source!r} {pos.settings()!r} {source.http!r}"


def test_check_tells_how_many_sales_can_be_read(pos: RestDouble, tmp_path: Path) -> None:
    ids = pos.sell(3)
    assert "can be read" in opened(pos, tmp_path).check()[0].what
    pos.spoil(ids[0])
    (finding,) = opened(pos, tmp_path).check()
    assert "1 of 3 sales cannot be read" in finding.what


def test_one_sale_is_asked_for_by_its_id(pos: RestDouble, tmp_path: Path) -> None:
    (key,) = pos.sell(1)
    batch = opened(pos, tmp_path).fetch_one(key)
    assert batch is not None
    assert [order.sale_id for order in batch.orders] == [key]
    assert opened(pos, tmp_path).fetch_one("R-99") is None


def test_the_last_days_are_looked_over_once_in_a_while(pos: RestDouble, tmp_path: Path) -> None:
    pos.sell(1)
    source = opened(pos, tmp_path)
    book = Notebook().walk(source.fetch(None))
    late = pos._make(pos.now() - timedelta(hours=3))  # uploaded late, under its own old time
    book.walk(source.fetch(book.cursor))
    assert f"till:{late}" not in book.sales
    pos.clock.pass_time(6 * 3600)
    book.walk(source.fetch(book.cursor))
    assert f"till:{late}" in book.sales


def _examples() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The worked examples of the page: an answer, and the config that reads it."""
    page = (Path(__file__).parents[2] / "docs" / "sources" / "rest.md").read_text()
    answers = [json.loads(part.split("```")[0]) for part in page.split("```json\n")[1:]]
    configs = [tomllib.loads(part.split("```")[0]) for part in page.split("```toml\n")[1:]]
    return [(answer, config["sources"]["till"]) for answer, config in zip(answers, configs, strict=True)]


@pytest.mark.parametrize("number", [0, 1])
def test_the_pages_examples_read_what_they_show(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POS_KEY", "k")
    monkeypatch.setenv("POS_TOKEN", "t")
    answer, table = _examples()[number]
    told = RestSettings.model_validate({name: value for name, value in table.items() if name != "type"})
    (listed,) = search(told.list.items, answer)
    if number:  # lines come with the sale itself
        listed |= {
            "line_items": [
                {"type": "product", "name": "Mug", "sku": "M1", "quantity": 1, "net": "11.00", "taxes": [{"amount": 1}]}
            ],
            "payments": [{"status": "captured", "method": "Visa", "amount": "12.00"}],
        }
    found = read_document(listed, told, "till")
    assert isinstance(found, ParsedSale)
    assert (found.hold, found.order.total_inc_tax, check_balance(found.order)) == ("", Decimal(12), ())


def test_a_time_without_a_zone_is_never_guessed() -> None:
    with pytest.raises(Unreadable, match="names no zone: set timezone"):
        read_document(document(sold="2026-11-20 10:00:00"), settings(), "till")
    found = read_document(document(sold="2026-11-20 10:00:00"), settings(timezone="Europe/Berlin"), "till")
    assert isinstance(found, ParsedSale)
    assert found.order.placed_at.isoformat() == "2026-11-20T10:00:00+01:00"
