"""``syncd init`` as somebody meets it who has an export, a token and no patience."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.forks import run_forked
from tests.shop import Done, Shop, Store

_DEMO = Path(__file__).parents[2] / "syncd" / "cli" / "demo_data" / "inbox-cafe"
_ADDRESS = "1 Main Street, Austin, Texas, 78701, US"


def init(folder: Path, store: Store, *answers: str) -> Done:
    words = [sys.executable, "-m", "syncd", "init", "--folder", str(folder), "--api-url", store.url]
    done = subprocess.run(
        words,
        input="\n".join(answers) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder.parent,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def command(folder: Path, *words: str) -> Done:
    import os

    return Done(*run_forked([*words, "-c", str(folder / "syncd.toml")], dict(os.environ), folder, 120))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    file = tmp_path / "sales.jsonl"
    file.write_text("".join(sale(source="till", sale_id=f"s{n}").to_json() + "\n" for n in range(3)))
    return file


def test_a_shop_is_set_up_with_a_first_order_and_everything_is_in_place(
    tmp_path: Path, store: Store, export: Path
) -> None:
    folder = tmp_path / "shop"
    path = f"{store.url}/stores/{store.store_hash}/v3/"
    done = init(folder, store, path, store.token, _ADDRESS, str(export), "", "owner@example.com", "systemd")
    assert done.code == 0, done.out + done.err
    (order,) = store.orders()
    assert (float(order["total_inc_tax"]), order["billing_address"]["email"]) == (1.0, "owner@example.com")
    assert f"Order {order['id']}" in done.out
    assert (folder / "syncd.toml").stat().st_mode & 0o077 == 0
    assert (folder / "bigcommerce-token").stat().st_mode & 0o077 == 0
    assert store.token not in done.out + done.err + (folder / "syncd.toml").read_text()
    assert f"--config {folder}/syncd.toml" in (folder / "syncd.service").read_text()
    shutil.copy(export, folder / "inbox")
    assert command(folder, "check").code == 0
    assert command(folder, "sync").code == 0
    assert len(store.orders()) == 4


def test_each_wrong_answer_is_told_at_once_and_asked_again(tmp_path: Path, store: Store, export: Path) -> None:
    folder = tmp_path / "shop"
    answers = ["NOT A HASH", "x", store.store_hash, "a-wrong-token", store.store_hash, store.token]
    answers += ["Main Street", _ADDRESS, str(tmp_path / "nowhere.csv"), str(export), "", "", "none"]
    done = init(folder, store, *answers)
    assert done.code == 0, done.out + done.err
    for words in ("is no store hash", "refused the token", "has 1 parts", "neither a file nor one of"):
        assert words in done.out
    assert store.orders() == []
    assert not (folder / "syncd.service").exists()


def test_check_names_secret_files_that_others_may_read(tmp_path: Path, store: Store, export: Path) -> None:
    folder = tmp_path / "shop"
    init(folder, store, store.store_hash, store.token, _ADDRESS, str(export), "", "", "none")
    assert "others on this machine" not in command(folder, "check").out
    (folder / "bigcommerce-token").chmod(0o644)
    assert f"chmod 600 {folder / 'bigcommerce-token'}" in command(folder, "check").out


def test_what_comes_to_nothing_writes_nothing(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    done = init(folder, store, *[store.store_hash, "a-wrong-token"] * 3)
    assert done.code == 2
    assert list(folder.iterdir()) == []


def test_a_config_that_is_there_is_left_alone(shop: Shop) -> None:
    before = shop.config.read_text()
    assert init(shop.folder, shop.store, "x").code == 2
    assert shop.config.read_text() == before


def test_an_export_that_is_known_by_its_columns_is_set_up_by_itself(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    file = next(_DEMO.glob("items-*.csv"))
    done = init(folder, store, store.store_hash, store.token, _ADDRESS, str(file), "", "", "compose")
    assert done.code in (0, 1), done.out + done.err
    shown = json.loads(command(folder, "config", "show", "sources.till", "--json").out)
    assert shown["sources.till.preset"]["value"] == "square"
    assert shown["sources.till.currency"]["value"]
    assert "127.0.0.1:8788:8788" in (folder / "compose.yaml").read_text()
