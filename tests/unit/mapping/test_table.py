"""The rows of docs/mapping.md that no other test holds."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from syncd.canonical.order import Named
from syncd.errors import UsageError
from syncd.mapping.create import map_create
from syncd.mapping.merge import patched
from syncd.mapping.model import CatalogMatch, Choice, Held, Mapped, Matches, RemoteLine, RequiredModifier
from syncd.mapping.rules import Occasion, Rules, skipped_by
from syncd.push.worker.hook import run_hook
from syncd.testing.orders import sale
from tests.unit.mapping.test_create import MUG, SHOP, line, payload, rules

KNOWN = Matches({"MUG-1": MUG})
OPTIONS = CatalogMatch(5, 9, "MUG-1", options=((11, 21), (12, 22)))


def test_a_variant_is_named_by_its_id_or_by_its_options() -> None:
    matches = Matches({"MUG-1": OPTIONS})
    by_id = payload(sale(lines=line(sku="MUG-1")), matches)["products"][0]
    assert (by_id["product_id"], by_id["variant_id"]) == (5, 9)
    by_options = payload(sale(lines=line(sku="MUG-1")), matches, variants_by="product_options")["products"][0]
    assert by_options["product_options"] == [{"id": 11, "value": "21"}, {"id": 12, "value": "22"}]
    assert "variant_id" not in by_options


def test_an_alias_leads_to_the_product_that_it_means() -> None:
    matches = Matches({"MUG-1": MUG}, aliases={"4006381333931": "MUG-1"})
    for code in ({"sku": "4006381333931"}, {"upc": "4006381333931"}):
        assert payload(sale(lines=line(**code)), matches)["products"][0]["product_id"] == 5


SIZE = RequiredModifier(31, "Milk", choices=(Choice(1, "Oat"), Choice(2, "Cow", default=True)))
TEXT = RequiredModifier(32, "Engraving", free_text=True)


@pytest.mark.parametrize(
    ("required", "said", "value"),
    [
        (SIZE, {"modifiers": [{"name": "oat"}]}, "1"),
        (SIZE, {"modifiers": [{"name": "Milk: Oat"}]}, "1"),
        (SIZE, {}, "2"),
        (TEXT, {"note": "For Ada"}, "For Ada"),
        (TEXT, {"serials": ["A1"]}, "A1"),
    ],
)
def test_required_modifiers_are_answered_by_the_line_or_by_default(
    required: RequiredModifier, said: dict[str, Any], value: str
) -> None:
    matches = Matches({"MUG-1": CatalogMatch(5, 9, "MUG-1", required=(required,))})
    (made,) = payload(sale(lines=line(sku="MUG-1", **said)), matches)["products"]
    assert made["product_options"] == [{"id": required.id, "value": value}]


def test_a_required_modifier_without_an_answer_makes_a_custom_line() -> None:
    matches = Matches({"MUG-1": CatalogMatch(5, 9, "MUG-1", required=(TEXT,))})
    (made,) = payload(sale(lines=line(sku="MUG-1")), matches)["products"]
    assert "product_id" not in made
    assert made["sku"] == "MUG-1"


@pytest.mark.parametrize(
    ("where", "custom"),
    [
        ({"stock": "elsewhere"}, True),
        ({"sources": {"till": {"stock": "elsewhere"}}}, True),
        ({"locations": {"north": {"stock": "elsewhere"}}}, True),
        ({"stock": "elsewhere", "locations": {"north": {"stock": "bigcommerce"}}}, False),
        ({"locations": {"south": {"stock": "elsewhere"}}}, False),
    ],
)
def test_stock_elsewhere_makes_custom_lines_by_store_source_or_location(where: dict[str, Any], custom: bool) -> None:
    (made,) = payload(sale(lines=line(sku="MUG-1"), location={"id": "north"}), KNOWN, **where)["products"]
    assert ("product_id" not in made) is custom
    assert made["name"] == "Thing"


def test_a_backfill_moves_no_stock_unless_told_to() -> None:
    order = sale(lines=line(sku="MUG-1"))
    for rule, custom in (("elsewhere", True), ("bigcommerce", False)):
        mapped = map_create(order, KNOWN, rules(backfill_stock=rule), Occasion(backfill=True))
        assert isinstance(mapped, Mapped)
        assert ("product_id" not in str(mapped.payload["products"])) is custom


def test_a_deposit_is_a_line_and_redeemed_it_lowers_what_is_paid_for_the_rest() -> None:
    paid = payload(sale(lines=line(kind="deposit", sku="MUG-1")), KNOWN)
    assert "product_id" not in paid["products"][0]
    back = {
        "line_id": "2",
        "kind": "deposit",
        "name": "Deposit",
        "quantity": "-1",
        "total_ex_tax": "-5.00",
        "total_inc_tax": "-5.00",
    }
    redeemed = payload(sale(lines=[*line(), back], total_inc_tax="5.80"))
    assert redeemed["products"][0]["price_inc_tax"] == 5.8
    assert (redeemed["total_inc_tax"], len(redeemed["products"])) == ("5.8000", 1)


@pytest.mark.parametrize("kind", ["product", "custom", "service"])
def test_what_has_no_sku_is_a_custom_line_at_the_receipts_price(kind: str) -> None:
    (made,) = payload(sale(lines=line(kind=kind)), KNOWN)["products"]
    assert (made["price_inc_tax"], made["price_ex_tax"]) == (10.8, 10)
    assert "product_id" not in made


@pytest.mark.parametrize(("paid", "price"), [("5.40", 5.4), ("0", 0)])
def test_a_discounted_or_free_line_has_the_price_that_was_paid(paid: str, price: float) -> None:
    lines = line(sku="MUG-1", list_price="10.00", discount="5.00", total_inc_tax=paid, total_ex_tax="0")
    (made,) = payload(sale(lines=lines, total_inc_tax=paid, total_tax=paid), KNOWN)["products"]
    assert made["price_inc_tax"] == price
    assert made["product_id"] == 5


def test_modifiers_and_variant_stand_in_the_name() -> None:
    lines = line(variant="L", modifiers=[{"name": "Oat milk"}])
    assert payload(sale(lines=lines))["products"][0]["name"] == "Thing (L, Oat milk)"


BACK = {
    "line_id": "2",
    "name": "Cup",
    "sku": "CUP",
    "quantity": "-1",
    "total_ex_tax": "-2.00",
    "total_inc_tax": "-2.16",
}


def test_a_negative_line_without_goods_lowers_the_other_lines_prices() -> None:
    order = sale(lines=[*line(), BACK | {"kind": "deposit"}], total_inc_tax="8.64", total_tax="0.64")
    made = payload(order)
    assert (made["products"][0]["price_inc_tax"], made["total_inc_tax"], made["total_ex_tax"]) == (
        8.64,
        "8.6400",
        "8.0000",
    )


TIP = {"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}


def test_fees_may_be_lines_and_are_where_there_is_no_other() -> None:
    order = sale(lines=line(), fees=[TIP], total_inc_tax="12.80")
    assert payload(order, fee_tax_class_id=3)["fees"][0]["cost_inc_tax"] == "2.0000"
    as_line = payload(order, fees_as={"tip": "line"})
    assert [made["name"] for made in as_line["products"]] == ["Thing", "Tip"]
    assert "fees" not in as_line
    alone = payload(sale(lines=[], fees=[TIP], total_inc_tax="2.00", total_tax="0"))
    assert ([made["name"] for made in alone["products"]], "fees" in alone) == (["Tip"], False)


def test_a_tax_exempt_sale_has_equal_prices() -> None:
    made = payload(sale(lines=line(total_inc_tax="10.00"), total_inc_tax="10.00", total_tax="0"))
    assert made["products"][0]["price_inc_tax"] == made["products"][0]["price_ex_tax"]
    assert made["total_ex_tax"] == made["total_inc_tax"]


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1080"), ("KWD", "1.085"), ("CHF", "10.85")])
def test_currencies_keep_their_places(currency: str, amount: str) -> None:
    lines = line(total_ex_tax=amount, total_inc_tax=amount)
    made = payload(sale(currency=currency, lines=lines, total_inc_tax=amount, total_tax="0"))
    assert made["default_currency_code"] == currency
    assert float(made["total_inc_tax"]) == float(amount) == made["products"][0]["price_inc_tax"]


def test_source_and_location_rules_apply_in_their_order() -> None:
    where: dict[str, Any] = {
        "external_source": "POS",
        "channel_id": 1,
        "sources": {"till": {"external_source": "POS (Square)", "channel_id": 2, "status": {"completed": 2}}},
        "locations": {"Harbor": {"channel_id": 3, "status": {"completed": 11}}},
    }
    there = payload(sale(location={"id": "7", "name": "Harbor"}), **where)
    assert (there["external_source"], there["channel_id"], there["status_id"]) == ("POS (Square)", 3, 11)
    elsewhere = payload(sale(), **where)
    assert (elsewhere["channel_id"], elsewhere["status_id"]) == (2, 2)
    assert payload(sale(source="other"), **where)["channel_id"] == 1


def test_history_is_marked_as_migrated() -> None:
    mapped = map_create(sale(), Matches(), rules(), Occasion(backfill=True, history=True))
    assert isinstance(mapped, Mapped)
    assert mapped.payload["external_source"] == "M-MIG"


def test_a_tender_may_be_renamed() -> None:
    tender = {"kind": "card", "label": "Ext. EFTPOS", "amount": "10.80"}
    assert payload(sale(tenders=[tender]), tender_names={"ext. eftpos": "Card"})["payment_method"] == "Card"


def test_the_staff_note_says_it_all_or_what_the_template_says() -> None:
    order = sale(lines=line(serials=["SN1"]), cashier={"id": "7", "name": "Ada"}, register={"id": "2"}, note="gift")
    note = payload(order)["staff_notes"]
    for words in ("till:1001", "receipt 1001", "cashier Ada", "register 2", "serial SN1", "gift", "10.80 USD by Cash"):
        assert words in note
    template = "{{ sale.cashier.label }} / {{ standard|length > 0 }} / {{ sale.total_inc_tax|money('USD') }}"
    assert payload(order, note_template=template)["staff_notes"] == "Ada / True / 10.80 USD"
    failing = map_create(sale(), Matches(), rules(note_template="{{ sale.cashier.label.x.y }}"))
    assert isinstance(failing, Held)
    assert "note_template" in failing.why


@pytest.mark.parametrize("template", ["{{ sale", "{% for x in %}"])
def test_a_template_that_cannot_be_read_is_a_mistake_of_the_config(template: str) -> None:
    with pytest.raises(ValidationError, match="is not a template"):
        rules(note_template=template)


def test_a_template_cannot_reach_beyond_the_sale() -> None:
    nosy = "{{ sale.__class__.__mro__[1].__subclasses__() }}"
    assert isinstance(map_create(sale(), Matches(), rules(note_template=nosy)), Held)


@pytest.mark.parametrize(
    "template",
    [
        "{{ sale.parse_raw('x', content_type='pickle', allow_pickle=true) }}",
        "{{ sale.model_validate_json('{}') }}",
        "{{ sale.lines[0].parse_file('/etc/passwd') }}",
    ],
)
def test_a_template_runs_no_method_of_a_model(template: str) -> None:
    found = map_create(sale(), Matches(), rules(note_template=template))
    assert isinstance(found, Held)
    assert "note_template fails on this sale" in found.why


def test_a_company_customer_keeps_its_company() -> None:
    made = payload(sale(customer={"company": "Harbor Ltd", "email": "a@example.com", "first_name": "Ada"}))
    assert made["billing_address"]["company"] == "Harbor Ltd"
    assert made["billing_address"]["street_1"] == SHOP["street_1"]


def test_a_skip_rule_needs_every_condition_to_hold() -> None:
    skip = [{"why": "staff meals", "tender": "staff account", "at_most": "20.00"}]
    meal = [{"kind": "on_account", "label": "Staff Account", "amount": "10.80"}]
    asked = Rules.model_validate({"default_address": SHOP, "skip": skip})
    assert skipped_by(sale(tenders=meal), asked) == "staff meals"
    assert skipped_by(sale(), asked) is None
    dear = sale(tenders=[meal[0] | {"amount": "30.00"}], total_inc_tax="30.00", lines=line(total_inc_tax="30.00"))
    assert skipped_by(dear, asked) is None
    with pytest.raises(ValidationError, match="needs a condition"):
        rules(skip=[{"why": "nothing"}])


def test_a_hook_may_change_what_is_shown_and_not_the_money() -> None:
    order = sale()
    assert run_hook(lambda o: o.model_copy(update={"note": "ours"}), order).note == "ours"
    assert run_hook(lambda o: o.model_copy(update={"location": Named(id="9")}), order).location == Named(id="9")
    wrongs: tuple[Any, ...] = (
        lambda o: o.model_copy(update={"total_inc_tax": o.total_inc_tax + 1}),
        lambda o: o.model_copy(update={"lines": ()}),
        lambda _: None,
        lambda o: o.no_such_field,
    )
    for wrong in wrongs:
        with pytest.raises(UsageError, match="hook"):
            run_hook(wrong, order)


def test_a_changed_line_carries_each_of_its_names_and_never_an_empty_one() -> None:
    there = RemoteLine(7, 5, 9, "MUG-1", "Mug", 1, Decimal("5.40"), Decimal("5.00"))
    wanted = {"name": "Mug", "quantity": 2, "price_inc_tax": 5.4, "price_ex_tax": 5.0, "product_id": 5}
    changed: Any = patched(wanted, there, rename=False)
    assert {changed[name] for name in ("name", "name_merchant", "name_customer")} == {"Mug"}
    nameless: Any = patched(wanted | {"name": ""}, RemoteLine(7, 5, 9, "", "", 1, Decimal(5), Decimal(5)), rename=False)
    assert "name_customer" not in nameless
