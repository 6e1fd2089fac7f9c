"""Whether a source is read under its name, by what the ledger knows and what the config says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from syncd.intake.admission import Admissions, Candidate, NotAdmitted, admit
from syncd.ledger import KnownSource
from syncd.sources.clover.settings import CloverSettings
from syncd.sources.odoo.settings import OdooSettings
from syncd.sources.push import PushSettings
from syncd.sources.sameness import Reads, may_be_same, reads_of, same
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.square.settings import SquareSettings
from syncd.testing.clocks import ManualClock

HOME = Path("/shop")


def folder(path: str, pattern: str = "*", kind: str = "csv") -> Reads:
    return Reads(kind=kind, path=path, pattern=pattern)


def square(token: str = "one", *locations: str) -> Reads:
    settings = SquareSettings.model_validate({"token": SecretStr(token), "locations": locations})
    return reads_of("square", settings, HOME, opens=True)


def clover(merchant: str, token: str = "one") -> Reads:
    settings = CloverSettings.model_validate({"merchant_id": merchant, "token": SecretStr(token)})
    return reads_of("clover", settings, HOME, opens=True)


def database(url: str) -> Reads:
    return reads_of("sql", SqlSettings.model_validate({"url": url, "preset": "opensourcepos"}), HOME)


def odoo(database: str, key: str = "k") -> Reads:
    table = {"url": "https://odoo.example", "database": database, "key": SecretStr(key), "api": "json2"}
    return reads_of("odoo", OdooSettings.model_validate(table), HOME)


def known(name: str, *reads: Reads, keys: str = "") -> dict[str, KnownSource]:
    return {name: KnownSource(name, keys or name, tuple(one.to_json() for one in reads))}


PLACES = [
    folder("/in"),
    folder("/in/new"),
    folder("/out"),
    Reads(kind="square", place={"api": "x"}, account={"merchant_id": "m"}),
]
NAMES = ["a", "b", "c"]
KNOWN = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(PLACES), max_size=2)), max_size=3
)


@given(
    found=KNOWN,
    present=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(PLACES)),
    name=st.sampled_from(NAMES),
    keys=st.sampled_from(NAMES),
    reads=st.sampled_from(PLACES),
    confirmed=st.booleans(),
)
def test_one_of_many_is_admitted_as_if_it_were_compared_with_all(
    found: dict[str, tuple[str, list[Reads]]],
    present: dict[str, Reads],
    *,
    name: str,
    keys: str,
    reads: Reads,
    confirmed: bool,
) -> None:
    every = {one: known(one, *of, keys=key)[one] for one, (key, of) in found.items()}
    candidate = Candidate(name, keys, reads)

    def refused(check: Callable[[], object]) -> bool:
        try:
            check()
        except NotAdmitted:
            return True
        return False

    admissions = Admissions(lambda: every, present, ManualClock())
    for _ in range(2):  # read anew, and from what was read
        assert refused(lambda: admissions.check(candidate, confirmed=confirmed)) == refused(
            lambda: admit(candidate, every, present, confirmed=confirmed)
        )


MAY_BE = {
    "a folder": (folder("/in"), folder("/in")),
    "a folder within": (folder("/in"), folder("/in/new")),
    "an account whose token was renewed": (square("one"), square("two")),
    "an account that is read in more places now": (square("one", "L1"), square("two", "L1", "L2")),
    "a merchant": (clover("M1"), clover("m1", "two")),
    "a database, read by another user": (database("mysql://a@pos/db"), database("mysql://b@POS/db/")),
    "an Odoo with a new key": (odoo("shop"), odoo("shop", "another")),
    "a door with a new secret": tuple(
        reads_of("push", PushSettings.model_validate({"secret": SecretStr(secret)}), HOME) for secret in ("a", "b")
    ),
    "an adapter of somebody's own": (Reads(kind="own"), Reads(kind="own")),
}
IS_NOT = {
    "another folder": (folder("/in"), folder("/out")),
    "other files of the folder": (folder("/in", "a-*"), folder("/in", "b-*")),
    "files of another type": (folder("/in"), folder("/in", kind="jsonl")),
    "other locations": (square("one", "L1"), square("two", "L2")),
    "another merchant": (clover("M1"), clover("M2")),
    "another database": (database("mysql://a@pos/db"), database("mysql://a@pos/other")),
    "another server": (database("mysql://a@pos/db"), database("mysql://a@till/db")),
    "another Odoo": (odoo("shop"), odoo("outlet")),
    "another kind of account": (square(), clover("M1")),
}


@pytest.mark.parametrize("case", MAY_BE)
def test_a_new_source_that_may_read_what_a_lost_one_read_waits_for_a_person(case: str) -> None:
    before, now = MAY_BE[case]
    with pytest.raises(NotAdmitted, match="counter is new and reads") as refused:
        admit(Candidate("counter", "counter", now), known("till", before), {"counter": now})
    assert "syncd sources rename till counter" in refused.value.cure
    admit(Candidate("counter", "counter", now), known("till", before), {"counter": now}, confirmed=True)
    admit(Candidate("till", "till", now), known("till", before), {"till": now})  # the same source, changed


@pytest.mark.parametrize("case", IS_NOT)
def test_a_new_source_that_reads_something_else_is_read(case: str) -> None:
    before, now = IS_NOT[case]
    admit(Candidate("counter", "counter", now), known("till", before), {"counter": now})


def test_two_accounts_of_one_type_side_by_side_are_two() -> None:
    one, two = square("one"), square("two")
    admit(Candidate("b", "b", two), known("a", one), {"a": one, "b": two})


def test_what_a_source_read_long_ago_is_not_forgotten() -> None:
    history = known("till", folder("/in"), folder("/moved"))
    present: Mapping[str, Reads] = {"till": folder("/moved"), "counter": folder("/in")}
    with pytest.raises(NotAdmitted, match="which till read before"):
        admit(Candidate("counter", "counter", folder("/in")), history, present)
    own = known("counter", folder("/in"))
    admit(Candidate("counter", "counter", folder("/in")), {**history, **own}, present)  # it read that before, too


def test_a_source_that_was_renamed_while_it_was_open_is_read_no_more() -> None:
    with pytest.raises(NotAdmitted, match="renamed while syncd ran"):
        admit(Candidate("counter", "counter", folder("/in")), known("counter", folder("/in"), keys="till"), {})


@pytest.mark.parametrize(("keys", "line"), [("counter", "no formerly"), ("till", 'formerly = "till"')])
def test_the_name_in_the_sale_keys_never_changes(keys: str, line: str) -> None:
    with pytest.raises(NotAdmitted, match="the sale keys of counter begin with") as refused:
        admit(Candidate("counter", "desk", folder("/in")), known("counter", folder("/in"), keys=keys), {})
    assert line in refused.value.cure


def test_two_sources_of_one_config_are_the_same_only_where_something_shows_it() -> None:
    assert same(square("one"), square("two")) == ""
    assert same(square("one"), square("one")) == "the same account"
    assert same(clover("M1", "one"), clover("M2", "one")) == ""
    assert may_be_same(square("one"), square("two"))


def test_what_is_kept_of_a_source_holds_no_secret() -> None:
    for reads in (square("a-secret"), clover("M1", "a-secret"), odoo("shop", "a-secret")):
        assert "secret" not in reads.to_json()
        assert "opens" not in reads.to_json()
    assert "user" not in database("mysql://user@pos/db").to_json()


def test_a_source_of_another_type_under_its_old_name_waits_for_a_person() -> None:
    now = square()
    with pytest.raises(NotAdmitted, match="is of type square now and was of type csv"):
        admit(Candidate("till", "till", now), known("till", folder("/in")), {"till": now})
    admit(Candidate("till", "till", now), known("till", folder("/in")), {"till": now}, confirmed=True)
    admit(Candidate("till", "till", now), known("till", folder("/in"), now), {"till": now})
    admit(Candidate("till", "till", now), known("till"), {"till": now})  # nobody has noted what it read
