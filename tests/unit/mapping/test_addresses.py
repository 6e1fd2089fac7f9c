"""Addresses and e-mail addresses, however tills write them: sent as they are, or told; never a wrong country or half a shop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pycountry
import pytest
from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages
from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical.order import Address
from syncd.mapping.addresses import email_of, place_of
from syncd.mapping.countries import country_of, state_name
from syncd.mapping.create import map_create
from syncd.mapping.formats import folded
from syncd.mapping.model import Held, Mapped, Matches
from syncd.mapping.rules import DefaultAddress, Rules
from syncd.sandbox.answers import Refusal
from syncd.sandbox.validate import check_address, check_goods
from syncd.testing.orders import sale
from tests.shared import CASES

SHOP = {
    "street_1": "1 Main Street",
    "city": "Austin",
    "state": "TX",
    "zip": "78701",
    "country_iso2": "US",
    "email": "pos@example.com",
}
RULES = Rules.model_validate({"default_address": SHOP})
DEFAULT = DefaultAddress.model_validate(SHOP)
HOME = {"street_1": "9 Elm St", "city": "Leeds", "zip": "LS1 4AP"}
NAMES = {
    "GB": ("UK", "U.K.", "GB", "England", "Scotland", "Great Britain", "united kingdom", "Vereinigtes Königreich"),
    "US": ("USA", "U.S.A.", "United States of America", "America", "Etats-Unis", "EE. UU.", "840"),
    "DE": ("Deutschland", "Germany", "DEU", "Allemagne", "Alemania", " germany "),
    "CH": ("Schweiz", "Suisse", "Svizzera", "Switzerland"),
    "AT": ("Österreich", "Oesterreich", "Austria"),
    "TR": ("Turkey", "Türkiye", "Turkiye"),
    "AE": ("UAE", "U.A.E.", "United Arab Emirates"),
    "NL": ("The Netherlands", "Holland", "Nederland"),
    "JP": ("Japan", "日本"),
    "KR": ("South Korea", "Korea", "대한민국"),
    "CZ": ("Czech Republic", "Czechia", "Česko"),
    "IE": ("Ireland", "Republic of Ireland", "Éire"),
    "CI": ("Ivory Coast", "Côte d'Ivoire", "Cote d\u2019Ivoire"),
    "HK": ("Hong Kong", "Hong Kong SAR"),
    "RU": ("Russia", "Россия"),
    "GE": ("Georgia",),
}
USUAL = [(name, code) for code, names in NAMES.items() for name in names]


def payload(**changes: Any) -> Any:
    made = map_create(sale(**changes), Matches(), RULES)
    assert isinstance(made, Mapped), made
    return made.payload


@pytest.mark.parametrize(("name", "code"), USUAL)
def test_a_country_is_known_by_its_codes_and_by_what_people_call_it(name: str, code: str) -> None:
    found = country_of(name)
    assert found is not None
    assert found[0] == code
    billing = payload(billing={**HOME, "country": name})["billing_address"]
    assert (billing["street_1"], billing["country_iso2"]) == ("9 Elm St", code)


def test_no_country_is_taken_for_another_one_in_any_of_its_own_languages() -> None:
    known = wrong = 0
    for country in pycountry.countries:
        for language in {"en", "de", "fr", "es", *get_official_languages(country.alpha_2, de_facto=True)}:
            try:
                name = str(Locale.parse(language).territories.get(country.alpha_2, ""))
            except UnknownLocaleError:
                continue
            found = country_of(name) if folded(name) else None
            known += found is not None
            wrong += found is not None and found[0] != country.alpha_2
    assert wrong == 0
    assert known > 1000


@pytest.mark.parametrize("country", ["Narnia", "N/A", "Planet Earth", "XX", "?"])
def test_an_address_in_a_country_that_there_is_none_of_is_told_and_not_sent(country: str) -> None:
    made = payload(billing={**HOME, "country": country}, customer={"first_name": "Al", "last_name": "Bo"})
    assert (made["billing_address"]["city"], made["billing_address"]["first_name"]) == ("Austin", "Al")
    assert f"9 Elm St, Leeds, LS1 4AP, {country} (not sent: no country is called {country!r})" in made["staff_notes"]


def test_an_address_that_names_no_country_is_in_the_shops_and_stays_the_customers() -> None:
    billing = payload(billing={"street_1": "9 Elm St", "city": "Waco", "state": "TX", "zip": "76701"})[
        "billing_address"
    ]
    assert (billing["street_1"], billing["state"], billing["country_iso2"]) == ("9 Elm St", "Texas", "US")


@pytest.mark.parametrize(
    ("country", "sent"),
    [("Hong Kong", True), ("UAE", True), ("Ireland", True), ("Bangladesh", True), ("US", False), ("", False)],
)
def test_a_postcode_is_wanted_where_the_country_has_them(country: str, sent: bool) -> None:
    made = payload(billing={"street_1": "5 Queen's Rd", "city": "Central", "country": country})
    assert (made["billing_address"]["city"] == "Central") is sent
    assert ("has no postcode" in made["staff_notes"]) is not sent
    check_address(made["billing_address"], "billing_address")
    assert made["billing_address"]["zip"] == ("N/A" if sent else "78701")


@pytest.mark.parametrize(
    ("shipping", "billing", "why"),
    [
        (None, None, "it has no address"),
        ({"street_1": "9 Elm St", "city": "Leeds", "country": "Narnia"}, None, "no country is called 'Narnia'"),
        ({"city": "Leeds", "zip": "LS1", "country": "UK"}, {**HOME, "country": "UK"}, "its address has no street"),
        (None, {"street_1": "9 Elm St", "country": "US"}, "its address has no city and no postcode"),
    ],
)
def test_goods_that_are_to_be_shipped_to_no_address_are_held(shipping: Any, billing: Any, why: str) -> None:
    order = sale(fulfilment="ship", shipping=shipping, billing=billing)
    held = map_create(order, Matches(), RULES)
    assert isinstance(held, Held)
    assert held.why == f"it is to be shipped, and {why}"
    assert "syncd skip till:1001" in held.cure


def test_goods_that_are_shipped_to_where_they_are_billed_need_no_second_address() -> None:
    made = payload(fulfilment="ship", billing={**HOME, "country": "UK"})
    assert made["shipping_addresses"][0]["city"] == "Leeds"


@pytest.mark.parametrize(
    ("customer", "names"),
    [
        ({"company": "Acme GmbH", "email": "ap@acme.example"}, ("Acme", "GmbH")),
        ({"company": "Acme"}, ("Acme", "-")),
        ({"first_name": "Madonna"}, ("Madonna", "-")),
        ({"last_name": "Lee"}, ("Lee", "-")),
        ({"first_name": "Ann", "last_name": "Lee"}, ("Ann", "Lee")),
        ({"phone": "2545550100"}, ("In-store", "Customer")),
        (None, ("In-store", "Customer")),
    ],
)
def test_a_name_is_never_half_the_shops(customer: Any, names: tuple[str, str]) -> None:
    billing = payload(customer=customer)["billing_address"]
    assert (billing["first_name"], billing["last_name"]) == names
    assert billing.get("company", "") == (customer or {}).get("company", "")


EMAILS = {
    "al@ex.com": "al@ex.com",
    " ann@ex.com\n": "ann@ex.com",
    "<ann@ex.com>": "ann@ex.com",
    "mailto:ann@ex.com": "ann@ex.com",
    "ann@münchen.de": "ann@xn--mnchen-3ya.de",
    **dict.fromkeys(["not-an-email", "a b@c.com", "@x.com", "ann@", "ann@ex.com, bob@ex.com", "ünï@ex.com"], ""),
    **dict.fromkeys(["ann@localhost", "N/A", "n/a@", "ann@ex..com", "ann@ex", "-", "none", "ann at ex.com"], ""),
}


@pytest.mark.parametrize("text", EMAILS)
def test_an_e_mail_address_that_is_none_goes_to_the_note_and_the_sale_out_as_a_guests(text: str) -> None:
    assert email_of(text) == EMAILS[text]
    made = payload(customer={"first_name": "Al", "last_name": "Bo", "email": text})
    assert made["billing_address"]["email"] == (EMAILS[text] or "pos@example.com")
    told = f"E-mail in the POS: {text.strip()} (not sent: it is no e-mail address)" in made["staff_notes"]
    assert told is not bool(EMAILS[text])
    check_address(made["billing_address"], "billing_address")


_WORDS = st.text(max_size=40) | st.sampled_from(["UK", "Leeds", "LS1 4AP", "9 Elm St", "ann@ex.com", "TX", " ", "N/A"])
_PARTS = (
    "first_name",
    "last_name",
    "company",
    "street_1",
    "street_2",
    "city",
    "state",
    "zip",
    "country",
    "phone",
    "email",
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(_PARTS, _WORDS)))
def test_whatever_a_till_writes_bigcommerce_takes_the_address_and_no_word_of_it_is_lost(fields: dict[str, str]) -> None:
    made = payload(billing=fields)
    billing = made["billing_address"]
    try:
        check_address(billing, "billing_address")
    except Refusal as refusal:
        raise AssertionError(refusal) from refusal
    address = Address.model_validate(fields)
    place = place_of(address, DEFAULT)
    own = bool(place.wired) and billing["street_1"] == address.street_1.strip()[:255]
    said = {getattr(address, name).strip() for name in ("street_1", "city", "zip", "country")} - {""}
    notes = " ".join(made["staff_notes"].split())
    assert own or all(" ".join(word.split()) in notes for word in said)


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
@pytest.mark.parametrize(
    "name",
    ["01-email-not-an-address-is-refused", "04-country-names", "05-address-thrown-away", "16-company-first-name"],
)
def test_the_cases_of_real_shops_are_sent_or_held_with_a_reason(name: str) -> None:
    for line in (CASES / "sales" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        order = sale(**json.loads(line))
        made = map_create(order, Matches(), RULES)
        if isinstance(made, Held):
            assert order.fulfilment == "ship"
            continue
        assert isinstance(made, Mapped)
        billing: Any = made.payload["billing_address"]
        check_address(billing, "billing_address")
        if order.billing and order.billing.street_1:
            assert billing["street_1"] == order.billing.street_1


@pytest.mark.parametrize(
    ("iso2", "text", "name"),
    [
        ("US", "TX", "Texas"),
        ("US", "US-TX", "Texas"),
        ("AU", "NSW", "New South Wales"),
        ("US", "Texas", "Texas"),
        ("DE", "BY", "Bayern"),
        ("GB", "Kent", "Kent"),
    ],
)
def test_a_state_is_sent_by_its_name(iso2: str, text: str, name: str) -> None:
    assert state_name(iso2, text) == name


def test_the_file_of_names_is_there_and_small() -> None:
    file = Path(__file__).resolve().parents[3] / "syncd" / "mapping" / "country_names.json"
    assert file.stat().st_size < 300_000


def test_a_pick_up_place_with_a_long_name_and_id_fits() -> None:
    place = {"id": "L" * 60, "name": "N" * 300}
    made = map_create(
        sale(fulfilment="pickup", location=place), Matches(), RULES.model_copy(update={"pickup_method_id": 3})
    )
    assert isinstance(made, Mapped)
    check_goods(made.payload)
    consignments: Any = made.payload["consignments"]
    location = consignments["pickups"][0]["location"]
    assert (len(location["name"]), len(location["code"])) == (255, 50)
