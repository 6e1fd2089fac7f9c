"""The ledger's disk fills up while the daemon works: it says so, loses nothing, and goes on by itself once there is room."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.shop import Shop, Store, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "200ms"\n'


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk of its own")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)


def fill(disk: Path) -> Path:
    """Take every byte that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    return filler


def wait_for(what: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def batch(count: int, name: str) -> str:
    return "".join(sale(source="till", sale_id=f"{name}{n}").to_json() + "\n" for n in range(count))


def shop_on(disk: Path, folder: Path, store: Store) -> Shop:
    (folder / "inbox").mkdir()
    shop = Shop(folder, store)
    shop.configure(SOURCES, ledger=f"sqlite:///{disk}/ledger.db")
    return shop


def log(shop: Shop) -> str:
    return (shop.folder / "daemon.log").read_text()


@pytest.mark.parametrize("moment", ["intake", "intent", "outcome"])
def test_f50_a_full_disk_is_told_loses_nothing_and_ends_by_itself(
    moment: str, small_disk: Path, tmp_path: Path
) -> None:
    latency = {"intake": "0", "intent": "40", "outcome": "600"}[moment]
    with running_sandbox("--latency-ms", latency) as (_, store):
        shop = shop_on(small_disk, tmp_path, store)
        daemon = shop.start("run")
        try:
            wait_for(lambda: "daemon_started" in log(shop))
            if moment == "intake":
                filler = fill(small_disk)
                file = shop.drop("sales.jsonl", batch(60, "a"))
                wait_for(lambda: "cannot be written" in log(shop))
                assert file.exists()
                assert store.orders() == []
            else:
                shop.drop("sales.jsonl", batch(60, "a"))
                wait_for(lambda: len(store.orders()) > (0 if moment == "outcome" else 8))
                filler = fill(small_disk)
                wait_for(lambda: "cannot be written" in log(shop))
                sent = len(store.history()["posts"])
                time.sleep(3)
                assert len(store.history()["posts"]) <= sent + 12, "no intent, no request"
            assert daemon.poll() is None
            filler.unlink()
            wait_for(lambda: shop.run("status", "--json").json["stores"][0]["sales"].get("synced", 0) == 60)
        finally:
            daemon.kill()
            daemon.wait()
        keys = [order["external_order_id"] for order in store.orders()]
        assert len(keys) == len(set(keys)) == 60
        assert shop.run("ledger", "verify").code == 0
        assert "Traceback" not in log(shop)
