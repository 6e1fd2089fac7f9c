"""The README's first steps, as they are pasted, and the demo."""

import re
import subprocess
import sys
from pathlib import Path

from tests.shared import SAMPLES, needs_samples
from tests.shop import Shop

README = Path(__file__).resolve().parents[2] / "README.md"


@needs_samples
def test_the_smallest_config_and_the_first_steps_work_as_they_stand(shop: Shop) -> None:
    text = README.read_text()
    config = text[text.index("The smallest config:") : text.index("[config/syncd.toml]")].split("\n", 1)[1]
    config = "\n".join(line.removeprefix("    ") for line in config.splitlines())
    config = config.replace('"abc123"', f'"{shop.store.store_hash}"\napi_url = "{shop.store.url}"')
    shop.config.write_text(config.replace("BIGCOMMERCE_TOKEN", "FLOW_TOKEN"))
    steps = re.findall(r"^    syncd (sync.*?)\s+#", text, re.MULTILINE)
    assert steps == ["sync --limit 1", "sync"]
    for file in ("dashboard-items-1.csv", "dashboard-transactions-1-2.csv"):
        shop.drop(file, (SAMPLES / "square-legacy-2017" / file).read_bytes())
    assert shop.run("check").code == 0
    first = shop.run(*steps[0].split())
    assert "new sale" in first.out
    assert len(shop.store.orders()) == 1
    assert shop.run(steps[1]).code in {0, 1}
    assert len(shop.store.orders()) == 2


def test_the_demo_sums_up_what_it_shows(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "demo", "--folder", str(tmp_path / "demo"), "--no-keep"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "cafe: 31 sales became 30 orders, 1 held" in done.stdout
    assert "outdoor: 25 sales became 24 orders, 1 skipped" in done.stdout
    assert "Nothing was sent twice" in done.stdout
    shown = README.read_text().partition("`make demo` ends like this:")[2].partition("The smallest config:")[0]
    promised = [line.strip() for line in shown.splitlines() if line.startswith("    ") and "..." not in line]
    assert len(promised) > 4
    assert [line for line in promised if line not in " ".join(done.stdout.split("\n"))] == []
