"""A third party's adapter: the example of the documentation, as a wheel of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[stores.main]
store_hash = "abc"
token = { env = "BIGCOMMERCE_TOKEN" }
[stores.main.default_address]
street_1 = "1 Main Street"
city = "Austin"
state = "Texas"
zip = "78701"
country_iso2 = "US"
email = "pos@example.com"
[sources.till]
type = "bakery"
token = { env = "BAKERY_TOKEN" }
api_url = "http://127.0.0.1:9"
"""


def run(*words: str, folder: Path, packages: Path) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PYTHONPATH": str(packages),
        "BIGCOMMERCE_TOKEN": "t",
        "BAKERY_TOKEN": "a-secret-of-the-bakery",
    }
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=240, check=False
    )


def test_an_adapter_in_a_wheel_of_its_own_is_found_configured_and_holds_the_contract(tmp_path: Path) -> None:
    project, packages = tmp_path / "syncd-bakery", tmp_path / "site"
    shutil.copytree(ROOT / "docs" / "adapter", project)
    built = run("-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", ".", folder=project, packages=tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (project / "dist").glob("*.whl")
    shutil.rmtree(project / "src")  # what is tested is what was built
    pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(packages), str(wheel))
    installed = run(*pip, folder=project, packages=tmp_path)
    assert installed.returncode == 0, installed.stderr

    held = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", folder=project, packages=packages)
    assert held.returncode == 0, held.stdout + held.stderr
    assert " passed" in held.stdout, held.stdout

    types = run("-m", "syncd", "sources", "list", "--types", folder=project, packages=packages)
    assert "bakery\tsyncd-bakery 0.1.0" in types.stdout
    (project / "syncd.toml").write_text(CONFIG)
    listed = run("-m", "syncd", "sources", "list", folder=project, packages=packages)
    assert "till\tbakery\tmain" in listed.stdout, listed.stdout + listed.stderr
    tried = run("-m", "syncd", "sources", "test", "till", folder=project, packages=packages)
    assert tried.returncode == 3
    assert "Bakery POS cannot be reached" in tried.stdout, tried.stdout + tried.stderr
    assert "a-secret-of-the-bakery" not in tried.stdout + tried.stderr
    (project / "syncd.toml").write_text(CONFIG.replace("api_url", "api_ulr"))
    told = run("-m", "syncd", "sources", "list", folder=project, packages=packages)
    assert (told.returncode, "did you mean api_url?" in told.stderr) == (2, True), told.stderr
