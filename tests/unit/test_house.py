"""What holds for the whole of the code: one meaning a name, so that a search for it finds one thing."""

import ast
import pkgutil
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


def replaced_functions(file: Path) -> list[str]:
    """The functions of ours that a test file replaces by itself, and what may hide one."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {(one.asname or one.name): f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            names |= {one.asname: one.name for one in node.names if one.asname}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if (called := ast.unparse(node.func)).startswith("mock.patch"):
            found.append(f"{called}, line {node.lineno}")
        if node.func.attr == "setattr" and _is_ours(node.args, names):
            found.append(f"{ast.unparse(node)[:100]}, line {node.lineno}")
    return found


def _is_ours(args: list[ast.expr], names: dict[str, str]) -> bool:
    if any(isinstance(one, ast.Starred) for one in args):
        return True
    target = [one.value if isinstance(one, ast.Constant) else ast.unparse(one) for one in args[:2]]
    if isinstance(args[0], ast.Constant):
        path = str(target[0])
    else:
        first, *rest = str(target[0]).split(".")
        path = ".".join([names.get(first, first), *rest, str(target[1])])
    if not path.startswith("syncd."):
        return False
    value = pkgutil.resolve_name(path)
    return callable(value) and str(getattr(value, "__module__", "")).startswith("syncd")


TESTS = ROOT.parent / "tests"


def test_tests_replace_a_function_of_ours_only_to_plant_a_bug() -> None:
    found = {str(file.relative_to(TESTS)): replaced_functions(file) for file in sorted(TESTS.rglob("*.py"))}
    assert {file: lines for file, lines in found.items() if lines and file != "planted_bugs.py"} == {}


@pytest.mark.parametrize(
    "line",
    [
        "monkeypatch.setattr(CatchUp, 'once', None)",
        "monkeypatch.setattr('syncd.sale.decide.still_open', None)",
        "monkeypatch.setattr(decide, 'still_open', None)",
        "monkeypatch.setattr(*pair)",
        "mock.patch.object(decide, 'still_open', None)",
    ],
)
def test_a_function_that_a_test_replaces_by_itself_is_found(tmp_path: Path, line: str) -> None:
    text = "from syncd.push.store_orders.catch_up import CatchUp\nfrom syncd.sale import decide\n"
    (tmp_path / "test_it.py").write_text(f"{text}{line}\n", encoding="utf-8")
    assert len(replaced_functions(tmp_path / "test_it.py")) == 1
