import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest

from syncd.cli.main import cli
from syncd.config import load
from syncd.mapping.rules import Rules
from syncd.mapping.stamp import WAYS
from syncd.sale.overrides import Verb
from syncd.sale.states import MOVES
from syncd.sandbox.faults import KINDS
from syncd.sandbox.settings import Ways
from syncd.sources import registry
from syncd.sources.csv.presets import names, preset
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.sql import presets as sql_presets
from syncd.sources.sql.settings import SqlSettings
from tests.doubles.receiver import SECRET

ROOT = Path(__file__).resolve().parents[2]


def test_the_state_table_is_the_codes_own() -> None:
    text = (ROOT / "docs" / "states.md").read_text()
    for state, moves in MOVES.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {state.value} |"))
        assert {word.strip() for word in row.split("|")[3].split(",")} == {move.value for move in moves}


def test_every_decision_of_a_person_is_explained() -> None:
    text = (ROOT / "docs" / "states.md").read_text()
    assert [verb.value for verb in Verb if f"| `{verb.value}` |" not in text] == []


def test_every_command_has_help_and_a_line_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in cli.registered_commands:
        assert command.callback is not None
        assert command.callback.__doc__
        assert f"`{command.name or command.callback.__name__}" in readme


def sources_text() -> str:
    """The pages of all sources, as sections of one."""
    pages = sorted((ROOT / "docs" / "sources").glob("*.md"))
    parts = [f"### {page.stem}\n" + page.read_text().partition("\n")[2] for page in pages]
    return "\n".join([(ROOT / "docs" / "sources.md").read_text(), *parts])


def test_every_preset_and_fault_kind_is_documented() -> None:
    sources, sandbox = sources_text(), (ROOT / "docs" / "sandbox.md").read_text()
    for name in names():
        row = next(
            line
            for line in sources.splitlines()
            if line.startswith(f"| `{preset(name).name}` | ") and line.count("|") == 6
        )
        own = preset(name).options.model_fields.keys() - CsvSettings.model_fields.keys()
        assert [key for key in own if f"`{key}" not in row] == []
    for kind in (*KINDS, *(way.name for way in fields(Ways))):
        assert f"`{kind}`" in sandbox


def test_every_type_of_source_is_documented_with_every_key_of_its_settings() -> None:
    text = sources_text()
    for name in registry.known():
        if registry.packages()[name].split()[0] != "syncd":
            continue
        assert f"### {name}\n" in text
        assert f"(sources/{name}.md)" in text
        if name == "sql":
            part = text.partition("### sql\n")[2].partition("\n## ")[0]
            keys = set(SqlSettings.model_fields) - {"preset"}
            assert [key for key in keys if f"`{key}" not in part] == []
            for one in map(sql_presets.preset, sql_presets.names()):
                row = next(line for line in part.splitlines() if line.startswith(f"| `{one.name}` | "))
                assert [
                    key for key in one.options.model_fields.keys() - keys - {"preset"} if f"`{key}" not in row
                ] == []
        if name in ("odoo", "square", "lightspeed_x", "clover", "shopify_pos", "loyverse", "push"):
            part = text.partition(f"### {name}\n")[2].partition("\n### ")[0]
            needed = [key for key, field in registry.load(name).Settings.model_fields.items() if field.is_required()]
            assert [key for key in needed if key not in part] == []


def test_the_annotated_config_is_valid_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGCOMMERCE_TOKEN", "token")
    assert load(ROOT / "config" / "syncd.toml").stores["main"].rules.channel_id == 1


def test_every_key_that_the_annotated_config_shows_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BIGCOMMERCE_TOKEN", "METRICS_TOKEN", "SYNCD_OIDC_SECRET", "ALERT_URL", "HEARTBEAT_URL"):
        monkeypatch.setenv(name, "json://127.0.0.1/token")
    monkeypatch.setenv("SYNCD_EVENTS_SECRET", SECRET)
    (tmp_path / "own-ca.pem").touch()
    text = (ROOT / "config" / "syncd.toml").read_text()
    shown = re.sub(r"^# (\w+ = |\[)", r"\1", text, flags=re.MULTILINE)
    shown = "\n".join(line for line in shown.splitlines() if "Bezeichnung" not in line and "Artikelnummer" not in line)
    (tmp_path / "syncd.toml").write_text(shown)
    assert load(tmp_path / "syncd.toml").sources["till"].common.store == "main"


def test_the_demo_config_is_valid() -> None:
    assert set(load(ROOT / "config" / "demo.toml").sources) == {"cafe", "outdoor"}


def test_every_row_of_the_fault_table_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "faults.md").read_text()
    there = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8")))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named - there == set()
    rows = {
        int(number)
        for cell in re.findall(r"^\| (F[\dF, ]+) \|", text, re.MULTILINE)
        for number in re.findall(r"\d+", cell)
    }
    wanted = {
        *range(1, 8),
        *range(10, 24),
        *range(30, 35),
        40,
        41,
        *range(50, 58),
        *range(60, 63),
        *range(70, 78),
        *range(80, 90),
    }
    assert rows == wanted
    in_faults = set(
        re.findall(r"def (test_f\d+_\w+)", "\n".join(file.read_text() for file in (ROOT / "tests").rglob("*.py")))
    )
    assert in_faults - named == {
        "test_f10_sending_again_would_have_made_two",
        "test_f54_yesterdays_ledger_without_the_catch_up_would_have_made_two_more",
    }


def test_every_row_of_the_mapping_table_names_tests_that_exist() -> None:
    there = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8")))
    rows = [row for row in (ROOT / "docs" / "mapping.md").read_text().splitlines() if row.startswith("| ")]
    rows = [row for row in rows if not row.startswith(("| on the receipt", "| in the POS", "| ---"))]
    assert len(rows) > 45
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= there, row


def test_every_sentence_of_the_promise_names_tests_that_exist() -> None:
    there = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8")))
    text = (ROOT / "docs" / "promise.md").read_text()
    rows = [row for row in text.splitlines() if row.startswith("| ") and not row.startswith(("| what holds", "| ---"))]
    assert len(rows) > 30
    for row in rows:
        sentence, _, shown = row.strip("| ").rpartition(" | ")
        assert sentence.endswith("."), row
        assert re.findall(r"`(test_\w+)`", shown), row
    assert set(re.findall(r"`(test_\w+)`", text)) - there == set()


def test_every_rule_of_a_store_stands_in_the_mapping_page_or_the_annotated_config() -> None:
    shown = (ROOT / "docs" / "mapping.md").read_text() + (ROOT / "config" / "syncd.toml").read_text()
    assert [name for name in Rules.model_fields if name not in shown] == []


@pytest.mark.parametrize("page", ["complaints.md", "security.md"])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    there = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8")))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named - there == set()
    for path in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / path).exists()
    if page == "complaints.md":
        assert [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == list(range(1, 28))


def test_every_page_of_the_site_is_in_its_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text()
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if page not in menu} == set()


def test_the_way_of_every_compared_field_is_documented() -> None:
    text = (ROOT / "docs" / "mapping.md").read_text()
    table = text.partition("### Which way a change of a field takes")[2].partition("Status, lines, fees")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", table, re.MULTILINE))
    assert rows == {name: way.value for name, way in WAYS.items()}


def test_the_references_are_what_the_program_has() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    for name, page in made.PAGES.items():
        assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == page(), "run: make docs"
