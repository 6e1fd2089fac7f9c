"""What deploy/ has for a fleet, run: commands, config, mounts and probes are those of the files, in folders of the test's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from syncd.web.page.passwords import hasher
from tests.fleet.cells import HOOK, Cell, running_cell, until
from tests.fleet.test_fleet import arrived

pytestmark = pytest.mark.postgresql
DEPLOY = Path(__file__).parents[2] / "deploy"


def objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text(encoding="utf-8")))


def container(name: str) -> dict[str, Any]:
    """The one container of a file's Deployment or Job."""
    (found,) = objects(name)[0]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def mounted(folder: Path, files: dict[str, str]) -> None:
    """Put a map's files into a folder as a cluster does: links to links to a folder, which is exchanged in one step."""
    folder.mkdir(exist_ok=True)
    data = folder / f"..2026_{len(list(folder.iterdir()))}"
    data.mkdir()
    for name, text in files.items():
        (data / name).write_text(text, encoding="utf-8")
    link = folder / "..data_tmp"
    link.symlink_to(data.name)
    link.replace(folder / "..data")
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    for left in folder.glob("*.toml"):
        if left.name not in files:
            left.unlink()


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    """A cell with the config, the stores and the secrets of deploy/kubernetes, each at its place."""
    with running_cell(tmp_path, 2) as made:
        places = {"/run/secrets/": f"{tmp_path}/secrets/"}
        secrets = {"ledger/ledger-url": made.url, "page/page-password-hash": hasher().hash("a long enough password")}
        for name, text in {**secrets, "tokens/north": made.token, "tokens/north-square": "none"}.items():
            (tmp_path / "secrets" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "secrets" / name).write_text(text)
        for path in (tmp_path / "conf.d").iterdir():
            path.unlink()
        made.config.write_text(_at(places, (DEPLOY / "kubernetes/syncd.toml").read_text(encoding="utf-8")))
        mounted(tmp_path / "conf.d", {"north.toml": _north(made, places)})
        yield made


def _at(places: dict[str, str], text: str) -> str:
    for old, new in places.items():
        assert old in text
        text = text.replace(old, new)
    return text


def _north(cell: Cell, places: dict[str, str]) -> str:
    text = _at(places, (DEPLOY / "kubernetes/conf.d/north.toml").read_text(encoding="utf-8"))
    return text.replace('"abc123"', f'"sandbox1"\napi_url = "{cell.sandbox}"')


def test_the_recipe_for_kubernetes_makes_orders_and_takes_a_store_up_from_its_map(cell: Cell) -> None:
    assert cell.run(*container("migrate.yaml")["args"]).code == 0
    assert container("worker.yaml")["args"][0] == container("page.yaml")["args"][0] == "fleet"
    worker = cell.begin(container("worker.yaml")["args"][1], SYNCD_INTAKE__LISTEN="127.0.0.1:0")
    page = cell.begin(container("page.yaml")["args"][1], SYNCD_WEB__LISTEN="127.0.0.1:0")
    for process, address, spec in (
        (worker, worker.address, container("worker.yaml")),
        (page, page.address_of("web"), container("page.yaml")),
    ):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            path = spec[probe]["httpGet"]["path"]
            until(lambda at=address + path: requests.get(at, timeout=10).status_code == 200, probe)  # type: ignore[misc]
        assert process.process.poll() is None
    places = {"/run/secrets/": f"{cell.folder}/secrets/"}
    south = (
        HOOK.format(name="south", number=2, more=f'api_url = "{cell.sandbox}"\ntoken = {{ env = "FLOW_TOKEN" }}')
        + '[stores.south.default_address]\nstreet_1 = "1"\ncity = "A"\nstate = "Texas"\nzip = "78701"\ncountry_iso2 = "US"\n'
    )
    mounted(cell.folder / "conf.d", {"north.toml": _north(cell, places), "south.toml": south})
    until(lambda: bool(worker.events("config_taken_up")), "the changed map was not taken up")
    cell.deliver(worker, "tsouth", "1")
    arrived(cell, {"tsouth:1"})


def test_each_volume_that_is_mounted_is_one_that_kustomization_makes() -> None:
    found = objects("kustomization.yaml")[0]
    made = {one["name"] for kind in ("configMapGenerator", "secretGenerator") for one in found[kind]}
    for file in ("migrate.yaml", "worker.yaml", "page.yaml"):
        spec = objects(file)[0]["spec"]["template"]["spec"]
        volumes = {one["name"]: one for one in spec["volumes"]}
        for mount in spec["containers"][0]["volumeMounts"]:
            volume = volumes.pop(mount["name"])
            name = volume.get("configMap", {}).get("name") or volume.get("secret", {}).get("secretName")
            assert name in made or "emptyDir" in volume
        assert not volumes, f"{file} has volumes that nothing mounts"
    assert {file.name for file in (DEPLOY / "kubernetes").glob("*.yaml")} == {"kustomization.yaml", *found["resources"]}


def test_compose_runs_the_same_commands_with_a_grace_that_a_worker_needs() -> None:
    services = yaml.safe_load((DEPLOY / "compose.fleet.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("migrate", "worker", "page"):
        assert services[name]["command"] == container(f"{name}.yaml")["args"]
    assert services["worker"]["stop_grace_period"] == "60s"
    spec = objects("worker.yaml")[0]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 60


def test_what_the_fleets_dashboard_and_its_alerts_ask_for_is_what_a_worker_says(cell: Cell) -> None:
    worker = cell.begin("worker", SYNCD_INTAKE__LISTEN="127.0.0.1:0")
    text = requests.get(f"{worker.address}/metrics", timeout=10).text
    said = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    rules = yaml.safe_load((DEPLOY / "monitoring/alerts-fleet.yml").read_text())
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    dashboard = json.loads((DEPLOY / "monitoring/grafana-fleet.json").read_text())
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    names = {name for expression in asked for name in re.findall(r"\b(?:syncd|process)_\w+", expression)}
    assert len(names) > 10
    assert names <= said
