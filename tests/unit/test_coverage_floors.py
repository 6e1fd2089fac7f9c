"""The measure itself: a room below its floor, or without one, is named."""

from tests.coverage_floors import below, rooms

REPORT = {
    "files": {
        "syncd/sale/decide.py": {
            "summary": {"covered_lines": 8, "covered_branches": 1, "num_statements": 10, "num_branches": 2}
        },
        "syncd/sale/facts.py": {
            "summary": {"covered_lines": 4, "covered_branches": 0, "num_statements": 4, "num_branches": 0}
        },
        "syncd/app.py": {"summary": {"covered_lines": 1, "num_statements": 2}},
        "syncd/web/__init__.py": {"summary": {"covered_lines": 0, "num_statements": 0}},
    }
}


def test_a_rooms_share_counts_lines_and_branches_of_all_its_files() -> None:
    assert rooms(REPORT) == {"(top)": 50.0, "sale": 81.25, "web": 100.0}


def test_a_room_below_its_floor_or_without_one_is_named() -> None:
    assert below({"sale": 81.25, "web": 100.0, "new": 3.0}, {"sale": 90, "web": 95}) == [
        "new has no floor (it is at 3.0 %)",
        "sale is at 81.2 %, and its floor is 90 %",
    ]


def test_rooms_at_their_floors_are_well() -> None:
    assert below({"sale": 90.0}, {"sale": 90}) == []
