"""Dates and times of day as tills and spreadsheets write them."""

# ruff: noqa: DTZ001  what is read is local to a zone that comes later
from __future__ import annotations

import contextlib
import time as clock
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from hypothesis import given
from hypothesis import strategies as st

from syncd.sources.csv.dates import DateOrder, read_clock, read_date
from syncd.sources.csv.times import parse_split_time, parse_time, zone
from tests.country_names import USUAL
from tests.sources.conftest import Till

NEW_YORK = zone("America/New_York")
_GREGORIAN = tuple(
    language for language in USUAL if language not in ("th", "fa")
)  # their usual years are other calendars'


@pytest.mark.parametrize(
    "text",
    [
        "Oct 5, 2026 2:30 PM",
        "October 5th, 2026 at 2:30 PM",
        "5 Oct 2026 14:30",
        "05-Oct-26 14:30",
        "2026-Oct-05 14:30",
        "Mon Oct 05 2026 14:30:00 GMT-0400 (Eastern Daylight Time)",
        "Monday, 5 October 2026, 14:30",
        "2026-10-05T18:30:00Z",
        "2026-10-05T20:30:00+02",
        "2026-10-05T14:30:00.000",
        "20261005 143000",
        "20261005T1430",
        "20261005143000",
        "05.10.2026 14.30",
        "5. 10. 2026 14:30",
        "05.10.2026 14.30 Uhr",
        "5/10/2026 2:30 p. m.",
        "5/10/2026 2:30 p.\xa0m.",
        "5/10/2026 2:30\u202fPM",
        "\u200e5/10/2026 14:30",
        "5 de octubre de 2026 14:30",
        "5. Oktober 2026 um 14:30",
        "5 octobre 2026 à 14h30",
        "2026年10月5日 14時30分",
        "2026년 10월 5일 오후 2:30",
        "2026. 10. 5. 14:30",
        "2026/10/5 下午2:30",
        "\u0665/\u0661\u0660/\u0662\u0660\u0662\u0666 \u0661\u0664:\u0663\u0660",
        "2026-10-05 14:30 EDT",
        "14:30 05.10.2026",
        "2:30 PM, Oct 5 2026",
        "05.10.2026 kl. 14.30",
    ],
)
def test_one_time_is_read_however_it_is_written(text: str) -> None:
    assert parse_time(text, "dmy", NEW_YORK).astimezone(UTC) == datetime(2026, 10, 5, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("46300.604", "a spreadsheet's number for 2026-10-05 14:29"),
        ("46300", "a spreadsheet's number for 2026-10-05"),
        ("1791210600", "a count of seconds since 1970"),
        ("1791210600000", "a count of milliseconds since 1970"),
        ("2569-10-05 14:30", "a year of the Buddhist calendar"),
        ("5/10/2569", "a year of the Buddhist calendar"),
        ("1405/07/13", "a year of the Hijri or Persian calendar"),
        ("R8.10.5", "a year of the Japanese eras"),
        ("令和8年10月5日", "a year of the Japanese eras"),
        ("2326-10-05 14:30", "no year of a sale"),
        ("0001-01-01", "no year of a sale"),
        ("01/01/0001 10:00", "no year of a sale"),
        ("05/10/2026 25:00", "is not a time of day"),
        ("05/10/2026 14:30 XM", "is not a time of day"),
        ("Oct 5 14:30", "is not a date"),
        ("Brumaire 5, 2026", "is not a date"),
        ("2026-10-05 14:30 CEST", "is a time in CEST, and this source's zone has EDT"),
        ("soon", "is not a date"),
    ],
)
def test_what_is_no_time_is_named_as_what_it_is(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_time(text, "dmy", NEW_YORK)


def test_numbers_that_may_be_day_or_month_need_an_order_and_named_months_do_not() -> None:
    with pytest.raises(ValueError, match="does not tell day from month: set date_order"):
        read_date("05/10/2026 14:30", None)
    assert read_date("Oct 5, 2026", None).local == datetime(2026, 10, 5)
    assert read_date("2026/10/05", None).local == datetime(2026, 10, 5)


def test_the_abbreviation_of_a_zone_tells_the_hour_that_happens_twice() -> None:
    summer = parse_time("Nov 1, 2026 1:30 AM EDT", None, NEW_YORK)
    winter = parse_time("Nov 1, 2026 1:30 AM EST", None, NEW_YORK)
    assert (winter.astimezone(UTC) - summer.astimezone(UTC)).total_seconds() == 3600


def test_a_time_cell_that_repeats_the_day_gives_its_time() -> None:
    both = parse_split_time("2021-08-13", "2021-08-13 00:47:48", None, NEW_YORK)
    assert both.time() == time(0, 47, 48)
    assert parse_split_time("2021-08-13 00:00:00", "9:05 PM", None, NEW_YORK).time() == time(21, 5)
    with pytest.raises(ValueError, match="are different days"):
        parse_split_time("2021-08-13", "2021-08-14 00:47:48", None, NEW_YORK)


@pytest.mark.parametrize("language", _GREGORIAN)
@given(
    when=st.datetimes(datetime(2001, 1, 1), datetime(2069, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0))
)
def test_what_a_language_writes_is_read_as_that_day_or_refused(language: str, when: datetime) -> None:
    locale = Locale.parse(language)
    order = _order(locale)
    for width in ("short", "medium", "long", "full"):
        written = format_date(when.date(), width, locale=locale)
        for text in (written, f"{written} {format_time(when, 'short', locale=locale)}"):
            try:
                found = read_date(text, order)
            except ValueError:
                continue
            assert (found.local.date(), text) == (when.date(), text)
            assert not found.clock or (found.local.time(), text) == (when.time(), text)


def _order(locale: Locale) -> DateOrder:
    """The order of a language's short dates."""
    shown = format_date(date(2033, 11, 22), "short", locale=locale)
    places = {"y": max(shown.find("33"), shown.find("2033")), "m": shown.find("11"), "d": shown.find("22")}
    found = "".join(sorted(places, key=lambda part: places[part]))
    return found if found in ("ymd", "dmy", "mdy") else "ymd"  # type: ignore[return-value]  # narrowed by the test


def test_most_languages_usual_forms_are_read() -> None:
    when, read, seen = datetime(2026, 10, 25, 14, 5), 0, 0
    for language in _GREGORIAN:
        locale = Locale.parse(language)
        for width in ("short", "medium"):
            seen += 1
            try:
                found = read_date(format_datetime(when, width, locale=locale), _order(locale))
            except ValueError:
                continue
            read += found.local.replace(second=0) == when
    assert read / seen >= 0.8, (read, seen)


@given(st.text(alphabet=" 0123456789:.-/apmAPMT+Z,()'", max_size=60), st.sampled_from(["ymd", "dmy", "mdy", None]))
def test_no_text_of_dates_breaks_the_reader(text: str, order: DateOrder | None) -> None:
    for reader in (lambda: read_date(text, order), lambda: read_clock(text)):
        with contextlib.suppress(ValueError):  # anything else is a fault of ours
            reader()


def test_a_cell_of_100_000_blanks_costs_no_time() -> None:
    started = clock.process_time()
    for text in ("2026-10-05" + " " * 100_000 + "x", " " * 100_000, "5" * 100_000, "Oct " * 30_000):
        with pytest.raises(ValueError, match="is not a"):
            read_date(text, "dmy")
    assert clock.process_time() - started < 5


def test_16_dates_with_month_names_are_read_without_an_order(tmp_path: Path) -> None:
    till = Till(tmp_path, date_order=None, timezone="America/New_York")
    till.drop(
        "dates.csv",
        "sale_id,date,name,qty,amount,total\n"
        'D1,"Oct 5, 2026 2:30 PM",Manicure,1,45.00,45.00\n'
        "D2,5 Oct 2026 14:30,Pedicure,1,40.00,40.00\n"
        "D3,05-Oct-26 14:30,Wax,1,20.00,20.00\n"
        "D4,2026-10-05T14:30:00+07,Wax,1,20.00,20.00\n"
        "D5,20261005 143000,Cut,1,30.00,30.00\n"
        "D6,5. Oktober 2026 14.30,Cut,1,30.00,30.00\n"
        "D7,Mon Oct 05 2026 14:30:00 GMT-0400 (Eastern Daylight Time),Cut,1,30.00,30.00\n"
        "D8,2026-10-05 14:30,Mug,1,10.00,10.00\n",
    )
    orders, faults = till.read()
    assert faults == []
    at = {order.sale_id: order.placed_at.astimezone(UTC).hour for order in orders}
    assert at == {f"D{number}": 18 for number in range(1, 9)} | {"D4": 7}
