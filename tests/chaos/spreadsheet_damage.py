"""What spreadsheets, locales, odd tills and people who paste do to an export: for the file fuzz.

Each takes a file's bytes and gives others, some under another name. ``IDS`` spoil ids; the others leave every receipt there.
"""

from __future__ import annotations

import csv
import html
import io
import random
import re
import zipfile
from collections.abc import Callable

import openpyxl

from tests.spreadsheet import resaved

Dice = random.Random
Named = dict[str, bytes]
Change = Callable[[str, bytes, Dice], Named]

_AMOUNT = re.compile(r"-?\$?\(?\d+\.\d{2}\)?")
_NAME = re.compile(r"[A-Z][a-z]{4,15}")
_LONG = re.compile(r"\d{8,}")
_DATE = re.compile(r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}.*")
_WORDS = ("Żubrówka łąkowa", "Кофе и чай", "コーヒー", "กาแฟเย็น", "Crème brûlée", "Grüner Tee")


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def as_csv(rows: list[list[str]], mark: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark).writerows(rows)
    return text.getvalue().encode()


def _cells(data: bytes, change: Callable[[str], str]) -> bytes:
    head, *rows = rows_of(data)
    return as_csv([head, *[[change(cell) for cell in row] for row in rows]])


def opened_and_saved(name: str, data: bytes, dice: Dice) -> Named:
    """A spreadsheet's round trip: long numbers shortened or cut, pairs of numbers made months."""
    formatted = dice.random() < 0.3
    return {name: _cells(data, lambda cell: resaved(cell, formatted=formatted))}


def some_ids_shortened(name: str, data: bytes, dice: Dice) -> Named:
    head, *rows = rows_of(data)
    for number in {dice.randrange(len(rows)) for _ in range(dice.randint(1, 4))}:
        rows[number] = [resaved(cell) if _LONG.fullmatch(cell) else cell for cell in rows[number]]
    return {name: as_csv([head, *rows])}


def in_another_locale(name: str, data: bytes, dice: Dice) -> Named:
    """Amounts as another country writes them."""
    way = dice.randrange(6)

    def written(cell: str) -> str:
        if not _AMOUNT.fullmatch(cell):
            return cell
        if way == 0:
            return cell.replace(".", ",")
        if way == 1:
            return cell.replace("-", "\u2212")
        if way == 2:
            return f"({cell.lstrip('-')})" if cell.startswith("-") else cell
        if way == 3:
            return f"{cell}\xa0"
        if way == 4:
            return f"\u200e{cell}"
        return cell.replace("0.00", "0,00")

    return {name: _cells(data, written)}


def names_in_other_letters(name: str, data: bytes, dice: Dice) -> Named:
    word, encoding = dice.choice(_WORDS), dice.choice(("cp1250", "cp1251", "shift_jis", "cp874", "cp1252", "utf-16"))
    changed = _cells(data, lambda cell: f"{cell} {word}" if _NAME.fullmatch(cell) else cell)
    return {name: changed.decode().encode(encoding, "replace")}


def quoted_whole(name: str, data: bytes, dice: Dice) -> Named:
    """A comma file that a spreadsheet of a semicolon locale has saved."""
    text = io.StringIO(newline="")
    head, *rows = rows_of(data)
    text.write(",".join(head) + dice.choice(("", ";")) + "\n")
    for row in rows:
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator="").writerow(row)
        text.write('"' + line.getvalue().replace('"', '""') + '"' + dice.choice(("", ";")) + "\n")
    return {name: text.getvalue().encode()}


def with_lines_around(name: str, data: bytes, dice: Dice) -> Named:
    """Titles, ``sep=``, remarks above; headings, blank lines and sentences within and below."""
    head, *rows = rows_of(data)
    above = dice.choice(([], [["Sales report"], ["Period", "2026"], []], [["# made by the till"]], [["sep=,"]]))
    for _ in range(dice.randint(0, 3)):
        at = dice.randint(0, len(rows))
        rows.insert(at, dice.choice((head, [""] * len(head), ["Prices are as of today", *[""] * (len(head) - 1)])))
    below = dice.choice([[], [["All amounts are in the currency of the shop"]]])
    text = "".join(",".join(one) + "\n" for one in above) if above and above[0] == ["sep=,"] else ""
    kept = [] if text else above
    return {name: text.encode() + as_csv([*kept, head, *rows, *below])}


def as_a_page(name: str, data: bytes, dice: Dice) -> Named:
    tag = dice.choice(("td", "th"))
    rows = "".join(
        "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>" for row in rows_of(data)
    )
    return {f"{name}.xls": f"<html><meta charset='utf-8'><body><table>{rows}</table></body></html>".encode()}


def as_a_workbook(name: str, data: bytes, dice: Dice) -> Named:
    """The texts of a file in a workbook, or its amounts as numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    typed = dice.random() < 0.5
    for row in rows_of(data):
        sheet.append([float(cell) if typed and re.fullmatch(r"-?\d+\.\d{2}", cell) else cell for cell in row])
    made = io.BytesIO()
    book.save(made)
    return {f"{name}.xlsx" if dice.random() < 0.7 else name: made.getvalue()}


def packed(name: str, data: bytes, dice: Dice) -> Named:
    del dice
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, data)
    return {f"{name}.zip": made.getvalue()}


def with_marks_that_nobody_sees(name: str, data: bytes, dice: Dice) -> Named:
    mark = dice.choice(("\u200e", "\u200b", "\ufeff", "\u2060"))
    head, *rows = rows_of(data)
    marked = [[f"{mark}{cell}" if _DATE.fullmatch(cell) else cell for cell in row] for row in rows]
    return {name: as_csv([[f"{cell}{mark}" for cell in head], *marked])}


IDS: tuple[Change, ...] = (opened_and_saved, some_ids_shortened)
WHOLE: tuple[Change, ...] = (
    in_another_locale, names_in_other_letters, quoted_whole, with_lines_around, as_a_page, as_a_workbook, packed,
    with_marks_that_nobody_sees,
)  # fmt: skip
