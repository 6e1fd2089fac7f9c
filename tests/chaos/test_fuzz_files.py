"""A slice of the file fuzz, always the same; `tests.chaos.fuzz_files` tries thousands."""

from tests.chaos.fuzz_files import fuzz
from tests.shared import needs_samples


@needs_samples
def test_damaged_exports_lose_no_receipt_and_make_up_no_total() -> None:
    tried, wrong = fuzz(400, seed=1)
    assert wrong == []
    assert tried == 400
