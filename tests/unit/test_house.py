"""What holds for the whole of the code: one meaning a name, so that a search for it finds one thing."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

import syncd

ROOT = Path(syncd.__file__).parent


def public_classes(root: Path) -> dict[str, list[str]]:
    """The files that define each public class."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(root.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(file.relative_to(root)))
    return found


def test_no_public_class_name_is_defined_twice() -> None:
    assert {name: files for name, files in public_classes(ROOT).items() if len(files) > 1} == {}


def test_a_name_that_two_files_define_is_found(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("class Same:\n    pass\n\nclass _Own:\n    pass\n", encoding="utf-8")
    assert public_classes(tmp_path) == {"Same": ["a.py", "b.py"]}


PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")
_PATH = re.compile(r"`((?:syncd/|tests/|docs/)?[a-z_]+(?:/[a-z_*]+)*(?:\.py|\.md|/))(?::(\w+))?`")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_function_that_the_map_names_is_there(page: str) -> None:
    text = (ROOT.parent / page).read_text(encoding="utf-8")
    named = [(path, function) for path, function in _PATH.findall(text) if "/" in path]
    assert len(named) > 10
    for path, function in named:
        places = [place for base in (ROOT.parent, ROOT) for place in base.glob(path)]
        assert places, f"{page} names {path}"
        if function:
            assert f"def {function}(" in places[0].read_text(encoding="utf-8"), f"{page} names {path}:{function}"
