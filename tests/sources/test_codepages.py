# ruff: noqa: RUF001  words in the letters of their own languages
"""Code pages: Western text is read, and text of any other page is set aside with a proposal; names are never nonsense."""

from __future__ import annotations

from typing import Any

import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.sources.csv.codepages import is_western
from tests.shared import CASES
from tests.sources.conftest import Till

WESTERN = ("de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "is", "ca", "gl", "eu", "en")
# Czech and Hungarian are told by currency and zone alone: their letters are those of Western languages in cp1252.
FOREIGN = {
    "ru": "cp1251",
    "uk": "cp1251",
    "bg": "cp1251",
    "sr": "cp1251",
    "pl": "cp1250",
    "el": "cp1253",
    "th": "cp874",
    "ja": "cp932",
    "ko": "cp949",
    "zh": "gb18030",
    "he": "cp1255",
    "ar": "cp1256",
}


def names(language: str, page: str) -> list[str]:
    """What a language calls countries and languages, those with letters beyond ASCII that the page has."""
    locale = Locale.parse(language)
    found = []
    for name in (*locale.territories.values(), *locale.languages.values()):
        try:
            name.encode(page)
        except UnicodeEncodeError:
            continue
        if not name.isascii():
            found.append(name)
    return found


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_western_words_are_known_as_such(data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(WESTERN))
    some = data.draw(st.lists(st.sampled_from(names(language, "cp1252")), min_size=1, max_size=30))
    assert is_western("\n".join(some).encode("cp1252").decode("cp1252"))


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_words_of_another_code_page_are_not_taken_for_western_ones(data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(sorted(FOREIGN)))
    some = data.draw(
        st.lists(st.sampled_from(names(language, FOREIGN[language])), min_size=20, max_size=40, unique=True)
    )
    try:
        text = "\n".join(some).encode(FOREIGN[language]).decode("cp1252")
    except UnicodeDecodeError:
        return  # it is not even text in cp1252
    assert not is_western(text)


HEAD = "sale_id,date,name,line total\n"


@pytest.mark.parametrize(
    ("text", "page", "settings"),
    [
        ("Кофе с молоком", "cp1251", {}),
        ("กาแฟเย็น", "cp874", {"currency": "THB"}),
        ("Řízek", "cp1250", {"currency": "CZK"}),
        ("Şeker", "cp1254", {"currency": "TRY"}),
        ("Šunka", "cp1250", {"currency": "EUR", "timezone": "Europe/Bratislava"}),
    ],
)
def test_a_file_in_another_code_page_is_set_aside_with_what_to_set(
    till: Any, text: str, page: str, settings: Any
) -> None:
    shop: Till = till(**settings)
    content = (HEAD + f"1,2026-11-20 10:00,{text},5\n").encode(page)
    path = shop.drop("a.csv", content)
    orders, (fault,) = shop.read()
    assert orders == []
    assert not path.exists()  # it lies in failed/
    assert "no code page that can be told for sure" in fault.reason
    if settings:
        assert f'encoding = "{page}" would make it {text!r}' in fault.reason
    told: Till = till(**settings, encoding=page)
    told.drop("b.csv", content)
    (order,), faults = told.read()
    assert (faults, order.lines[0].name) == ([], text)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside the project")
@pytest.mark.parametrize("name", ["cp1251.csv", "shift-jis.csv", "thai.csv"])
def test_25_files_of_other_code_pages_are_set_aside(till: Any, name: str) -> None:
    shop: Till = till()
    shop.drop(name, (CASES / "files" / "25-other-code-pages" / name).read_bytes())
    orders, faults = shop.read()
    assert (orders, len(faults)) == ([], 1)
    assert "encoding" in faults[0].reason
