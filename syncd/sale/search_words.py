"""The words by which people find a sale: those that its index holds, and those that a search is made of. Pure.

A word is letters and digits, case-folded and without accents. Four kinds begin with an underscore, which no plain word has:
``_r`` a number from its end, ``_a`` an amount, ``_d`` a day, ``_s`` an article number as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache

from msgspec import Struct

from syncd.canonical import CanonicalOrder
from syncd.canonical.order import Address, Line, Refund, Tender
from syncd.sale.sale import Sale

_MOST_WORDS, _LONGEST_WORD, _MOST_TERMS = 400, 60, 12
_SHORTEST_BEGINNING = 3
"""Letters of a word that find those which begin with it; a shorter word finds itself alone."""
_SHORTEST_END = 3
_RECUR = 4096
_WORD = re.compile(r"[^\W_]+")
_AMOUNT = re.compile(r"-?[0-9]{1,12}(?:[.,][0-9]{1,10})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
"""Scripts that put no blanks between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese. Every two letters count as a word."""


class Token(Struct, frozen=True):
    """One word of the index; with ``begins``, every word that begins so."""

    text: str
    begins: bool = False


class Term(Struct, frozen=True):
    """One word of a search: it is found where all tokens of one of its alternatives are. ``number`` is what an order may have."""

    alternatives: tuple[tuple[Token, ...], ...]
    number: int | None = None


def words_of(sale: Sale, order: CanonicalOrder | None) -> str:
    """Return the words by which a sale is found, a blank between them; ``order`` is what it says, None where that is forgotten."""
    found = _of_sale(sale)
    if order is not None:
        found += _of_order(order)
    return " ".join(list(dict.fromkeys(found))[:_MOST_WORDS])


def terms_of(text: str) -> tuple[Term, ...]:
    """Return what a search asks for, a term for each word between blanks; words of punctuation alone ask for nothing."""
    found = (_term(word) for word in text.split()[:_MOST_TERMS])
    return tuple(one for one in found if one.alternatives)


def _term(word: str) -> Term:
    plain = list(_split(word))
    whole, ways = "".join(plain), list[tuple[Token, ...]]()
    if plain:
        last = Token(plain[-1], begins=len(plain[-1]) >= _SHORTEST_BEGINNING)
        ways.append((*map(Token, plain[:-1]), last))
    if len(whole) >= _SHORTEST_END and _has_digit(whole):
        ways.append((Token(f"_r{whole[::-1]}", begins=True),))
    if len(plain) > 1:
        ways.append((Token(f"_s{whole}", begins=True),))
    if (amount := _amount(word)) is not None:
        ways.append((Token(amount),))
    if _DAY.fullmatch(word):
        ways.append((Token(f"_d{word.replace('-', '')}", begins=True),))
    number = int(word) if word.isascii() and word.isdigit() and len(word) <= 18 else None
    return Term(tuple(dict.fromkeys(ways)), number)


def _of_sale(sale: Sale) -> list[str]:
    source, _, sale_id = sale.sale_key.partition(":")
    return [
        *_words_of_code(sale_id),
        *(_words_of_code(sale.number) if sale.number else ()),
        *_split(source),
        *_of_texts(sale.location, sale.register),
        "_d" + sale.business_day.isoformat().replace("-", ""),
        *_of_amount(sale.total_inc_tax),
    ]


def _of_order(order: CanonicalOrder) -> list[str]:
    found: list[str] = []
    if (who := order.customer) is not None:
        found += _of_texts(who.first_name, who.last_name, who.company, who.email)
        found += _of_codes(who.phone, who.id)
    for address in filter(None, (order.billing, order.shipping)):
        found += _of_address(address)
    for named in filter(None, (order.location, order.register, order.cashier)):
        found += _of_texts(named.id, named.name)
    for line in order.lines:
        found += _of_line(line)
    for tender in order.tenders:
        found += _of_tender(tender)
    found += _of_texts(order.note, *(fee.name for fee in order.fees))
    for discount in order.discounts:
        found += _of_texts(discount.name, discount.code)
    for refund in order.refunds:
        found += _of_refund(refund)
    for key in filter(None, (order.returns_of, order.exchanged_with)):
        found += _words_of_code(key.partition(":")[2])
    return found


def _of_line(line: Line) -> list[str]:
    found = _of_texts(line.name, line.variant, line.note, *(one.name for one in line.modifiers))
    found += _of_codes(line.sku, line.upc, line.gift_card, *line.serials)
    found += _of_amount(line.total_inc_tax)
    return found


def _of_tender(tender: Tender) -> list[str]:
    found = _of_texts(tender.label, tender.card_brand, tender.kind.value)
    found += _of_codes(tender.card_last4, tender.id)
    found += _of_amount(tender.amount)
    return found


def _of_refund(refund: Refund) -> list[str]:
    found = _of_texts(refund.reason)
    for tender in refund.tenders:
        found += _of_tender(tender)
    found += _of_amount(refund.amount_inc_tax)
    found += _words_of_code(refund.id)
    return found


def _of_address(address: Address) -> list[str]:
    found = _of_texts(
        address.first_name, address.last_name, address.company, address.street_1, address.street_2, address.city,
        address.zip, address.email,
    )  # fmt: skip
    found += _of_codes(address.phone)
    return found


def _of_texts(*texts: str | None) -> list[str]:
    return [word for text in texts if text for word in _split(text)]


def _of_codes(*codes: str | None) -> list[str]:
    return [word for code in codes if code for word in _of_code(code)]


def _words_of_code(code: str) -> tuple[str, ...]:
    """Return the words of a code; where it has a digit, its end as well, and as a whole where it has several words."""
    plain = _words(code)
    whole = "".join(plain)[:_LONGEST_WORD]
    found = (*plain, f"_r{whole[::-1]}") if _has_digit(whole) else plain
    return (*found, f"_s{whole}") if len(plain) > 1 else found


def _of_amount(amount: Decimal) -> tuple[str, ...]:
    word = _word_of_amount(amount)
    return () if word is None else (word,)


@lru_cache(maxsize=_RECUR)
def _word_of_amount(amount: Decimal) -> str | None:
    return _amount(format(amount, "f"))


def _amount(text: str) -> str | None:
    """``_a1250`` for 12.5 and 12,50: the amount without its sign, in hundredths, or smaller where it has more places."""
    if _AMOUNT.fullmatch(text) is None:
        return None
    units, _, places = text.replace(",", ".").lstrip("-").partition(".")
    exact = places.rstrip("0").ljust(2, "0")
    return f"_a{int(units)}{exact}x{len(exact)}"


def _words(text: str) -> tuple[str, ...]:
    """Return the plain words of a text."""
    if text.isascii():
        return tuple(word[:_LONGEST_WORD] for word in _WORD.findall(text.lower()))
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char)[0] != "M")
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        found += (word[:_LONGEST_WORD],) if word.isascii() else _unspaced(word)
    return tuple(found)


# Names and codes of goods, and the words on receipts, are few, and recur in sale after sale; ids of sales do not.
_split = lru_cache(maxsize=_RECUR)(_words)
_of_code = lru_cache(maxsize=_RECUR)(_words_of_code)


def _unspaced(word: str) -> Iterator[str]:
    """Yield a word; of scripts without blanks, every two letters that follow each other."""
    end = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > end:
            yield word[end : run.start()][:_LONGEST_WORD]
        letters = run.group()
        yield from (letters[at : at + 2] for at in range(max(len(letters) - 1, 1)))
        end = run.end()
    if end < len(word):
        yield word[end:][:_LONGEST_WORD]


def _has_digit(text: str) -> bool:
    return text.isdigit() or (not text.isalpha() and any(char.isdigit() for char in text))


def day_word(first: date, last: date) -> Token | None:
    """Return the word that all sales of a day, a month or a year have; None of any other span of days."""
    for form, whole in (("%Y%m%d", first == last), ("%Y%m", _is_month(first, last)), ("%Y", _is_year(first, last))):
        if whole:
            return Token(f"_d{first:{form}}", begins=form != "%Y%m%d")
    return None


def _is_month(first: date, last: date) -> bool:
    next_day = date.fromordinal(last.toordinal() + 1) if last < date.max else last
    return first.day == 1 and next_day.day == 1 and (first.year, first.month) == (last.year, last.month)


def _is_year(first: date, last: date) -> bool:
    return (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year
