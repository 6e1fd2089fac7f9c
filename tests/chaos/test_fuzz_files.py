"""A slice of the file fuzz, always the same; `tests.chaos.fuzz_files` tries thousands."""

from syncd.sources.csv import damage
from tests.chaos.fuzz_files import fuzz
from tests.planted_bugs import planted
from tests.shared import needs_samples


@needs_samples
def test_damaged_exports_lose_no_receipt_and_make_up_no_total() -> None:
    tried, wrong = fuzz(400, seed=1)
    assert wrong == []
    assert tried == 400


@needs_samples
def test_the_fuzz_sees_ids_that_nobody_looks_at() -> None:
    with planted(damage.Damage, "saw", lambda _self, _row: ""), planted(damage.Damage, "verdict", lambda _self: ""):
        _, wrong = fuzz(150, seed=1)
    assert any("a sale that is none" in one for one in wrong)
