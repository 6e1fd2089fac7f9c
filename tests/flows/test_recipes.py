"""The recipes of deploy/, run: what systemd and compose set is set here, and a sale becomes an order.

Neither systemd nor Docker runs here. What they would do is done by hand: environment, credentials and mounts come from the files,
with the places of a container or of /var/lib replaced by a folder of the test's.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.databases import both_databases, ledger_url
from tests.shop import ADDRESS, Store

DEPLOY = Path(__file__).parents[2] / "deploy"
_DEMO = Path(__file__).parents[2] / "syncd/cli/demo_data/inbox-cafe/items-2026-11-20.csv"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _bare(more: Mapping[str, str]) -> dict[str, str]:
    """An environment with nothing of the test's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START") if name in os.environ}
    return {**kept, **more}


@contextmanager
def _running(words: list[str], env: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "syncd", *words], env=env, cwd=folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _until(what: Any, folder: Path) -> None:
    for _ in range(600):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError((folder / "run.log").read_text()[-3000:])


def _command(env: Mapping[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "syncd", *words]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def _compose(*files: str) -> dict[str, Any]:
    """The service of compose files, merged as compose does."""
    service: dict[str, Any] = {}
    for file in files:
        found = yaml.safe_load((DEPLOY / file).read_text(encoding="utf-8"))["services"]["syncd"]
        service = {
            **service,
            **found,
            "environment": {**service.get("environment", {}), **found.get("environment", {})},
        }
    return service


@both_databases
def test_the_recipe_for_compose_makes_orders(database: str, tmp_path: Path, store: Store) -> None:
    files = ("compose.yaml",) if database == "sqlite" else ("compose.yaml", "compose.postgresql.yaml")
    service, port = _compose(*files), _free_port()
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    assert mounts["./config"] == "/etc/syncd"
    assert mounts["./inbox"] == "/inbox"
    assert "bigcommerce-token" in service["secrets"]
    config, inbox, token = tmp_path / "config" / "syncd.toml", tmp_path / "inbox", tmp_path / "bigcommerce-token"
    config.parent.mkdir()
    inbox.mkdir()
    token.write_text(store.token)
    text = (DEPLOY / "container.toml").read_text(encoding="utf-8")
    text = text.replace('"abc123"', f'"{store.store_hash}"\napi_url = "{store.url}"').replace('"/inbox"', f'"{inbox}"')
    assert "/run/secrets/bigcommerce-token" in text
    config.write_text(text.replace("/run/secrets/bigcommerce-token", str(token)))
    with ledger_url(database, tmp_path) as url:
        env = _bare(service["environment"] | {"SYNCD_CONFIG": str(config)})
        assert env["SYNCD_LEDGER__URL"].startswith("sqlite" if database == "sqlite" else "postgresql")
        env |= {"SYNCD_LEDGER__URL": url, "SYNCD_WEB__LISTEN": f"127.0.0.1:{port}"}
        with _running(["run"], env, tmp_path):
            (inbox / "day.csv").write_bytes(_DEMO.read_bytes())
            _until(lambda: _command(env, tmp_path, "status", "--healthy").returncode == 0, tmp_path)
            _until(lambda: _command(env, tmp_path, "sales", "--json").stdout.count('"state"') > 5, tmp_path)
            assert (inbox / "processed").exists() or (inbox / "day.csv").exists()
        assert _command(env, tmp_path, "check").returncode in (0, 1)


def _unit(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / name).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_recipe_for_systemd_makes_orders_says_that_it_is_ready_and_backs_up(tmp_path: Path, store: Store) -> None:
    unit, backup = _unit("syncd.service"), _unit("syncd-backup.service")
    credentials, state, config = tmp_path / "credentials", tmp_path / "state", tmp_path / "syncd.toml"
    for folder in (credentials, state, state / "inbox"):
        folder.mkdir()
    name, _, place = unit["LoadCredential"][0].partition(":")
    assert place == "/etc/syncd/bigcommerce-token"
    (credentials / name).write_text(store.token)
    head = (DEPLOY / "syncd.service").read_text(encoding="utf-8")
    assert f'token = {{ file = "$CREDENTIALS_DIRECTORY/{name}" }}' in head
    assert 'url = "sqlite:////var/lib/syncd/ledger.db"' in head
    config.write_text(
        f'[ledger]\nurl = "sqlite:///{state}/ledger.db"\n[web]\nenabled = false\n[stores.main]\nstore_hash = "{store.store_hash}"\n'
        f'api_url = "{store.url}"\ntoken = {{ file = "$CREDENTIALS_DIRECTORY/{name}" }}\n{ADDRESS}'
        f'[sources.till]\ntype = "csv"\npreset = "square"\npath = "{state}/inbox"\ncurrency = "USD"\nsettle = "200ms"\n'
    )
    words = shlex.split(unit["ExecStart"][0])
    assert words == ["/opt/syncd/bin/syncd", "run", "--config", "/etc/syncd/syncd.toml"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        env = _bare({"CREDENTIALS_DIRECTORY": str(credentials), "NOTIFY_SOCKET": str(tmp_path / "notify")})
        with _running(["run", "--config", str(config)], env, state):
            assert b"READY=1" in manager.recv(4096)
            (state / "inbox" / "day.csv").write_bytes(_DEMO.read_bytes())
            plain = _bare({"SYNCD_CONFIG": str(config)})  # a shell without the credentials
            _until(lambda: _command(plain, state, "sales", "--json").stdout.count('"state"') > 5, state)
            assert _command(plain, state, "status").returncode in (0, 1)
    kept = shlex.split(backup["ExecStart"][0])
    assert kept[:3] == ["/opt/syncd/bin/syncd", "ledger", "backup"]
    words = [
        str(config) if word == "/etc/syncd/syncd.toml" else word.replace("/var/lib", str(state)) for word in kept[1:]
    ]
    (state / "syncd-backups").mkdir()
    done = _command(_bare({}), state, *words)
    assert done.returncode == 0, done.stderr
    assert list((state / "syncd-backups").iterdir())


@pytest.mark.parametrize("page", ["README.md", "docs", "deploy"])
def test_nothing_is_said_to_come_from_a_package_index(page: str) -> None:
    root = DEPLOY.parent / page
    for file in [root] if root.is_file() else [*root.rglob("*.md"), *root.rglob("*.service"), *root.rglob("*.yaml")]:
        text = file.read_text(encoding="utf-8")
        assert "pip install syncd\n" not in text, file
        assert "install --upgrade syncd\n" not in text, file
