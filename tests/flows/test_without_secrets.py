"""Commands that only show things work in a shell that has no secret; and any command can run as the service runs."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from syncd.cli.service import properties
from syncd.testing.orders import sale
from tests.shop import Shop

SOURCES = """
[alerts]
urls = [{ env = "NO_ALERT_URL" }]
[sources.till]
type = "jsonl"
path = "inbox"
[sources.account]
type = "square"
token = { env = "NO_SQUARE_TOKEN" }
enabled = true
[sources.base]
type = "sql"
preset = "unicenta"
currency = "USD"
timezone = "UTC"
url = { env = "NO_DATABASE_URL" }
[sources.shop]
type = "shopify_pos"
shop = "demo"
token = { file = "$CREDENTIALS_DIRECTORY/shopify" }
"""
SHOWS = (
    ("status",),
    ("sales",),
    ("sale", "till:a"),
    ("faults",),
    ("sources", "list"),
    ("stores", "list"),
    ("alerts", "list"),
    ("backfills", "list"),
    ("config", "show"),
    ("config", "show", "--all"),
    ("ledger", "verify"),
    ("skip", "till:a", "--dry-run"),
    ("status", "--json"),
)


@pytest.fixture
def bare(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with a sale, in a shell without any of its secrets; a secret's command leaves a mark when it runs."""
    shop.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\n')
    shop.drop("a.jsonl", sale(source="till", sale_id="a").to_json() + "\n")
    assert shop.run("sync").code == 0
    shop.configure(SOURCES)
    text = shop.config.read_text()
    touch = f"token = {{ command = [\"{sys.executable}\", \"-c\", \"open('asked', 'w'); print('x')\"] }}"
    assert 'token = { env = "FLOW_TOKEN" }' in text
    shop.config.write_text(
        text.replace('token = { env = "FLOW_TOKEN" }', touch).replace(
            "\n[sources.till]", '\n[sources.till]\nstore = "main"'
        )
    )
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return shop


@pytest.mark.parametrize("words", SHOWS, ids=" ".join)
def test_a_command_that_shows_things_needs_no_secret(bare: Shop, words: tuple[str, ...]) -> None:
    done = bare.run(*words)
    assert done.code in (0, 1), done.err
    assert not (bare.folder / "asked").exists()  # nor does it run a program that would print one


def test_a_command_that_needs_secrets_names_each_that_it_cannot_read(bare: Shop) -> None:
    done = bare.run("sync")
    assert done.code == 2
    for key in ("sources.account.token", "sources.base.url", "sources.shop.token", "alerts.urls.0"):
        assert key in done.err
    assert "syncd service" in done.err


def test_a_command_that_needs_one_secret_names_that_one(bare: Shop) -> None:
    done = bare.run("sources", "test", "shop")
    assert done.code == 2
    assert "sources.shop.token: secret file $CREDENTIALS_DIRECTORY/shopify is there for the service alone" in done.err
    assert "sudo syncd service" in done.err


def test_a_secret_of_a_wrong_form_is_refused_by_every_command(bare: Shop) -> None:
    bare.config.write_text(bare.config.read_text().replace('{ env = "NO_SQUARE_TOKEN" }', '"EAAA-in-clear"'))
    done = bare.run("status")
    assert done.code == 2
    assert "sources.account.token" in done.err
    assert "in-clear" not in done.err


UNIT = """# /etc/systemd/system/syncd.service
[Unit]
Description=User=nobody
[Service]
ExecStart={python} -m syncd run --config {config}
User=syncd
LoadCredential=wrong:/nowhere
LoadCredential=
LoadCredential=bigcommerce-token:/etc/syncd/bigcommerce-token
# LoadCredential=commented:/out
Environment=FLOW=1 \\
  MORE=2
MemoryMax=512M
# /etc/systemd/system/syncd.service.d/override.conf
[Service]
UMask=0027
"""


def test_what_a_unit_says_of_users_folders_and_secrets_is_carried_over() -> None:
    assert list(properties(UNIT.splitlines())) == [
        ("User", "syncd"),
        ("LoadCredential", "bigcommerce-token:/etc/syncd/bigcommerce-token"),
        ("Environment", "FLOW=1 MORE=2"),
        ("UMask", "0027"),
    ]


def test_the_unit_that_we_ship_carries_its_credentials_and_folders() -> None:
    unit = (Path(__file__).parents[2] / "deploy/syncd.service").read_text()
    found = dict(properties(unit.splitlines()))
    assert found["LoadCredential"] == "bigcommerce-token:/etc/syncd/bigcommerce-token"
    assert found["DynamicUser"] == "yes"
    assert found["WorkingDirectory"] == "/var/lib/syncd"


def _program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_command_runs_as_the_service_with_its_credentials(
    bare: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """systemd itself does not run here: its two programs are played, the one by the text of the unit, the other by what it does."""
    programs, credentials = tmp_path_factory.mktemp("bin"), tmp_path_factory.mktemp("credentials")
    (credentials / "shopify").write_text("shpat_of-the-service")
    launcher = programs / "syncd-program"
    _program(programs, "syncd-program", f'exec {sys.executable} -m syncd "$@"')
    unit = programs / "unit"
    unit.write_text(UNIT.replace("{python} -m syncd", str(launcher)).replace("{config}", str(bare.config)))
    _program(programs, "systemctl", f'[ "$2" = syncd.service ] && cat {unit}')
    _program(
        programs,
        "systemd-run",
        f'echo "$@" > {programs}/asked\nexport CREDENTIALS_DIRECTORY={credentials}\n'
        'while case "$1" in --setenv=*) export "${1#--setenv=}";; --*) true;; *) false;; esac; do shift; done\nexec "$@"',
    )
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    done = bare.run("service", "sources", "list", "--json")
    assert done.code == 0, done.err
    assert {one["source"] if "source" in one else one["name"] for one in done.json} >= {"till", "shop"}
    asked = (programs / "asked").read_text()
    assert "--property=LoadCredential=bigcommerce-token:/etc/syncd/bigcommerce-token" in asked
    assert "--property=User=syncd" in asked
    refused = bare.run("service", "sources", "test", "shop")
    assert "sources.shop.token" not in refused.err  # the credential was read; what is missing now is Shopify
    assert bare.run("service", "--unit", "other.service", "status").code == 2


def test_where_there_is_no_systemd_the_container_is_named(bare: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = bare.run("service", "status", "--json")
    assert done.code == 2
    assert "docker compose exec syncd syncd status --json" in done.err


@pytest.mark.parametrize(
    "address",
    [
        "http://user:top-secret-pw@proxy.example:3128",
        "https://user:top-secret-pw@[::1]:1/x",
        "http://u:top-secret-pw@[x",
    ],
)
def test_a_password_within_an_address_is_never_shown(bare: Shop, address: str) -> None:
    text = bare.config.read_text()
    bare.config.write_text(text.replace("[stores.main]", f'[stores.main]\nproxy = "{address}"', 1))
    for words in (("config", "show"), ("config", "show", "--json"), ("status", "-v"), ("check",)):
        done = bare.run(*words)
        assert "top-secret-pw" not in done.out + done.err, words
    bare.config.write_text(
        text.replace("[stores.main]", f'[stores.main]\napi_url = "{address}"', 1).replace("\napi_url", "\n#", 1)
    )
    done = bare.run("config", "show")
    assert "top-secret-pw" not in done.out + done.err
