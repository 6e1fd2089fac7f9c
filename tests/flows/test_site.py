"""The documentation as it is built: every block of code of a page is one on the site, and none is a paragraph."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Blocks(HTMLParser):
    """Counts blocks of code, and gathers what stands in paragraphs."""

    def __init__(self) -> None:
        super().__init__()
        self.code, self.paragraphs, self._depth = 0, list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._depth.append(tag)
        self.code += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag in self._depth:
            while self._depth.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "p" in self._depth and "code" not in self._depth:
            self.paragraphs.append(data)


def code_blocks(text: str) -> int:
    """How many blocks of code a page of Markdown has: fenced ones, and indented ones after an empty line."""
    fences = len(re.findall(r"^```\w*\n.*?^```", text, re.DOTALL | re.MULTILINE))
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return fences + len(re.findall(r"(?:^|\n)\n(?: {4}[^\n]*\n(?:\n(?= {4}))?)+", f"\n{rest}\n"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run([program, "build", "--strict"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build" / "site"


def pages() -> list[Path]:
    return [page for page in sorted((ROOT / "docs").rglob("*.md")) if "adapter" not in page.parts]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_no_block_of_code_is_lost_on_the_site(site: Path, page: Path) -> None:
    path = page.relative_to(ROOT / "docs").with_suffix("")
    built = site / ("index.html" if path.name == "index" else f"{path}/index.html")
    found = Blocks()
    found.feed(built.read_text(encoding="utf-8"))
    assert found.code == code_blocks(page.read_text(encoding="utf-8"))
    assert [text for text in found.paragraphs if re.search(r"\[(sources|stores)\.|^\s*type = ", text)] == []
