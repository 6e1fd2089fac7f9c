"""What a shop installs besides: each extra that is missing is named, with the command that installs it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from syncd.errors import ConfigError, SourceError
from syncd.extras import _PACKAGES, EXTRAS, Extra, extra_of, install_command, is_installed, require
from syncd.testing.orders import sale
from tests.shop import Store

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
STORE = """
[stores.main]
store_hash = "abc123"
token = { env = "HOME" }
default_address = { street_1 = "1 Main St", city = "Austin", state = "Texas", zip = "78701", country_iso2 = "US" }
"""
NEEDS: dict[Extra, str] = {
    "alerts": f'{STORE}[sources.till]\ntype = "jsonl"\npath = "drop"\n[alerts]\nurls = [{{ env = "HOME" }}]\n',
    "bucket": f'{STORE}[sources.till]\ntype = "jsonl"\npath = "drop"\n[sources.till.bucket]\nurl = "s3://sales/x"\n',
    "mysql": f'{STORE}[sources.till]\ntype = "sql"\npreset = "opensourcepos"\nurl = {{ env = "TILL" }}\ncurrency = "USD"\n',
    "poslog": f'{STORE}[sources.till]\ntype = "poslog"\npath = "drop"\ncurrency = "USD"\n',
    "sftp": f'{STORE}[sources.till]\ntype = "jsonl"\npath = "drop"\n[sources.till.sftp]\nhost = "127.0.0.1"\nuser = "u"\n'
    'host_key = "SHA256:abc"\npassword = { env = "HOME" }\nport = 1\n',
    "workbooks": f'{STORE}[sources.till]\ntype = "csv"\npreset = "generic"\npath = "drop"\npattern = "*.xlsx"\ncurrency = "USD"\n'
    'timezone = "UTC"\ndate_order = "ymd"\ncolumns = { sale_id = "a", date = "b", name = "c", line_total = "d" }\n',
    "postgresql": f'[ledger]\nurl = {{ env = "LEDGER" }}\n{STORE}[sources.till]\ntype = "jsonl"\npath = "drop"\n',
}


def hide(extra: Extra, folder: Path) -> Path:
    """Return a folder for PYTHONPATH in whose processes the packages of an extra can be neither found nor imported."""
    hidden = folder / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {_PACKAGES[extra]!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name.partition('.')[0])\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name, package=None: None if name == {_PACKAGES[extra]!r} else found(name, package)\n"
    )
    return hidden


def without(extra: Extra, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run syncd where the packages of an extra are not there."""
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": "secret",
        "PYTHONPATH": str(hide(extra, folder)),
        "TILL": "mysql://u:p@127.0.0.1:1/pos",
        "LEDGER": "postgresql://127.0.0.1:1/none",
        "COLUMNS": "300",
    }
    command = [sys.executable, "-m", "syncd", *words, "-c", "syncd.toml"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("extra", NEEDS)
def test_sync_and_check_name_a_missing_extra_with_the_command_that_installs_it(extra: Extra, tmp_path: Path) -> None:
    (tmp_path / "syncd.toml").write_text(NEEDS[extra])
    (tmp_path / "drop").mkdir()
    cure = f"install 'syncd[{extra}]'"
    ran = without(extra, "sync", folder=tmp_path)
    assert (ran.returncode, cure in ran.stderr) == (2, True), ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    checked = without(extra, "check", folder=tmp_path)
    assert checked.returncode != 0
    assert cure in checked.stdout + checked.stderr, checked.stdout + checked.stderr
    assert "Traceback" not in checked.stdout + checked.stderr


def test_every_extra_is_needed_by_a_config_or_by_its_own_command() -> None:
    assert set(EXTRAS) == {*NEEDS, "fleet"}


@pytest.mark.parametrize("command", ["migrate", "worker", "status"])
def test_a_fleet_names_its_extra_with_the_command_that_installs_it(command: str, tmp_path: Path) -> None:
    (tmp_path / "syncd.toml").write_text(NEEDS["postgresql"])
    ran = without("fleet", "fleet", command, folder=tmp_path)
    assert (ran.returncode, "install 'syncd[fleet]'" in ran.stderr) == (2, True), ran.stdout + ran.stderr


def test_a_workbook_that_nothing_can_read_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "syncd.toml").write_text(NEEDS["workbooks"].replace('pattern = "*.xlsx"\n', ""))
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "day.xlsx").write_bytes(b"PK\x03\x04 a workbook")
    ran = without("workbooks", "preview", "drop/day.xlsx", folder=tmp_path)
    assert "install 'syncd[workbooks]'" in ran.stdout + ran.stderr, ran.stdout + ran.stderr


def test_init_says_which_extra_the_config_needs_before_it_asks_and_at_its_end(tmp_path: Path, store: Store) -> None:
    export = tmp_path / "sales.jsonl"
    export.write_text(sale(source="till", sale_id="a").to_json() + "\n")
    folder, cure = tmp_path / "shop", "install 'syncd[alerts]'"
    env = {**os.environ, "PYTHONPATH": str(hide("alerts", tmp_path))}
    words = [sys.executable, "-m", "syncd", "init", "--folder", str(folder), "--api-url", store.url]
    typed = [store.store_hash, store.token, "1 Main Street, Austin, Texas, 78701, US", str(export)]

    def init(*answers: str, more: tuple[str, ...] = ()) -> str:
        done = subprocess.run(
            [*words, *more],
            input="\n".join(answers) + "\n",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=env,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    said = init(*typed, "json://127.0.0.1:1/", "", "", "no")
    assert said.index(cure) < said.index("Who shall be mailed?"), said
    config = folder / "syncd.toml"
    config.write_text(config.read_text().replace("[alerts]", '[alerts]\nurls = [{ env = "HOME" }]'))
    added = init(str(export), "second", "", "", more=("--add-source",))
    assert cure in added.rpartition("Next:")[2], added


def test_the_extras_of_the_package_are_those_that_the_program_knows() -> None:
    extras = dict(PROJECT["optional-dependencies"])
    assert set(extras) - {"dev", "all"} == set(EXTRAS)
    assert extras["all"] == [f"syncd[{','.join(EXTRAS)}]"]
    makefile = (ROOT / "Makefile").read_text()
    assert f"EXTRAS := {' '.join(EXTRAS)}\n" in makefile
    for extra in EXTRAS:
        assert is_installed(extra), f"the tests need {extra}"
        assert extra_of(_PACKAGES[extra]) == extra


def test_no_extra_is_among_what_every_shop_installs() -> None:
    plain = " ".join(PROJECT["dependencies"])
    assert [extra for extra in EXTRAS if _PACKAGES[extra].replace("_", "-") in plain] == []


def test_the_command_that_installs_is_that_of_this_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shlex.split(install_command(["sftp", "alerts"]))[-1] == "syncd[alerts,sftp]"
    monkeypatch.setattr(sys, "prefix", "/home/ada/.local/pipx/venvs/syncd")
    assert install_command(["sftp"]) == "pipx runpip syncd install 'syncd[sftp]'"
    monkeypatch.setattr(sys, "prefix", "/home/ada/.local/share/uv/tools/syncd")
    assert install_command(["sftp"]) == "uv pip install --python /home/ada/.local/share/uv/tools/syncd 'syncd[sftp]'"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert install_command(["sftp"]) == "python3 -m pip install 'syncd[sftp]'"


def test_an_installed_extra_is_no_error() -> None:
    require("sftp", "a folder on a server", SourceError)
    assert issubclass(ConfigError, Exception)
