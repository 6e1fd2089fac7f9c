"""One compressed day on each database; see ``day``. Some minutes each."""

from pathlib import Path

import pytest

from tests.chaos.day import a_day
from tests.databases import both_databases


@pytest.mark.chaos
@both_databases
def test_every_sale_of_a_day_on_which_everything_goes_wrong_arrives_and_status_never_lies(
    database: str, tmp_path: Path
) -> None:
    day = a_day(tmp_path, database, seed=3)
    print("\n".join(day.said))
    assert day.lies == []
    assert (day.missing, day.twice, day.held) == ([], 0, [])
    assert day.sold == day.orders > 700
