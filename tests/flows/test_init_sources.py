"""``syncd init`` on a terminal, through every type of source: wrong answers first, no account written before it was tried."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from syncd.sources import registry
from syncd.testing.orders import sale
from tests.doubles.clover import CloverDouble
from tests.doubles.lightspeed_x import LightspeedDouble
from tests.doubles.loyverse import LoyverseDouble
from tests.doubles.odoo import OdooDouble
from tests.doubles.rest import RestDouble
from tests.doubles.shopify_pos import ShopifyDouble
from tests.doubles.square import SquareDouble
from tests.flows.test_connect import _allowed, _url
from tests.flows.test_init import _ADDRESS, command, init
from tests.poslog_files import of_sales
from tests.shop import Store
from tests.tills.opensourcepos import OpenSourcePos

Steps = list[tuple[str, str]]
"""What the terminal shows, as a pattern, and what is typed then."""
_DEMO = Path(__file__).parents[2] / "syncd" / "cli" / "demo_data"


def start(folder: Path, store: Store, *words: str) -> pexpect.spawn[str]:
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")}
    env |= {"TERM": "dumb", "NO_COLOR": "1", "TZ": "America/Chicago"}
    words = ("-m", "syncd", "init", "--folder", str(folder), "--api-url", store.url, *words)
    return pexpect.spawn(  # by poll(2): select(2) takes no descriptor beyond 1,023
        sys.executable,
        list(words),
        env=env,
        cwd=str(folder.parent),
        encoding="utf-8",
        timeout=60,
        dimensions=(80, 300),
        use_poll=True,
    )


def talk(child: pexpect.spawn[str], steps: Steps) -> None:
    """Type each answer once its question is there."""
    for shown, answer in steps:
        child.expect(shown)
        child.sendline(answer)


def opening(store: Store) -> Steps:
    return [("API path", store.store_hash), ("Access token", store.token), ("shop's address", _ADDRESS)]


CLOSING: Steps = [("Who shall be mailed", ""), ("Your e-mail address", ""), ("Start syncd automatically", "no")]


def ended(child: pexpect.spawn[str]) -> str:
    child.expect(pexpect.EOF)
    child.close()
    assert "Traceback" not in (child.before or "")
    return child.before or ""


def config_of(folder: Path) -> dict[str, Any]:
    shown = json.loads(command(folder, "config", "show", "sources", "--json").out)
    return {key: one["value"] for key, one in shown.items()}


@contextmanager
def _api(make: Callable[[], Any]) -> Iterator[tuple[Any, str]]:
    with make() as double:
        yield double, double.url


TIMEZONE = ("Time zone", "America/Chicago")
ACCOUNTS: dict[str, tuple[Callable[[], Any], Steps]] = {
    "square": (
        SquareDouble,
        [
            ("Way to sign in", "seven"),
            ("none of these", ""),
            ("Access token", "two words"),
            ("must be the token alone", "token-of-the-double-1"),
        ],
    ),
    "clover": (
        CloverDouble,
        [
            ("Merchant ID", "M ID"),
            ("Merchant ID", "MID1"),
            ("Time zone", "Mars/Base"),
            ("Time zone", "America/Chicago"),
            ("Way to sign in", "1"),
            ("API token", "token-of-the-double-1"),
        ],
    ),
    "lightspeed": (
        LightspeedDouble,
        [
            ("store's address", "https://corner.retail.lightspeed.app/home"),
            ("Way to sign in", ""),
            ("Personal token", "lsxs_pt_token-1"),
        ],
    ),
    "shopify": (
        ShopifyDouble,
        [
            ("shop's address", "https://admin.shopify.com/store/my-shop/orders"),
            ("Way to sign in", "app"),
            ("Client ID", "app"),
            ("Client secret", "app-secret"),
        ],
    ),
    "loyverse": (LoyverseDouble, [TIMEZONE, ("Access token", "token-of-the-double")]),
}


@pytest.mark.parametrize("kind", sorted(ACCOUNTS))
def test_an_account_is_set_up_by_the_questions_of_its_adapter(tmp_path: Path, store: Store, kind: str) -> None:
    make, steps = ACCOUNTS[kind]
    folder = tmp_path / "a shop"
    with make() as double:
        double.sell(2)
        child = start(folder, store, "--pos-url", double.url)
        talk(child, [*opening(store), ("number or a name", "no such till"), ("number or a name", kind), *steps])
        talk(child, CLOSING)
        shown = ended(child)
        assert child.exitstatus in (0, 1), shown
        secret = steps[-1][1]
        assert secret not in shown + (folder / "syncd.toml").read_text()
        (kept,) = [path for path in folder.iterdir() if path.is_file() and path.read_text(errors="replace") == secret]
        assert kept.stat().st_mode & 0o077 == 0
        name = kept.name.split("-")[0]
        source = next(key.split(".")[1] for key in config_of(folder) if key.split(".")[1].startswith(name))
        assert command(folder, "sources", "test", source).code in (0, 1)


@pytest.mark.parametrize("kind", sorted(ACCOUNTS))
def test_an_account_that_refuses_is_asked_again_and_after_three_times_nothing_is_written(
    tmp_path: Path, store: Store, kind: str
) -> None:
    make, steps = ACCOUNTS[kind]
    folder = tmp_path / "shop"
    with make() as double:
        good = [step for place, step in enumerate(steps) if place + 1 == len(steps) or steps[place + 1][0] != step[0]]
        good = [step for step in good if step[1] not in ("seven", "two words")]
        good = [
            ("Way to sign in" if shown == "none of these" else "Access token" if "alone" in shown else shown, said)
            for shown, said in good
        ]
        wrong = [*good[:-1], (good[-1][0], "a-wrong-token")]
        child = start(folder, store, "--pos-url", double.url)
        talk(child, [*opening(store), ("number or a name", kind)])
        for _ in range(3):
            talk(child, wrong)
        child.expect("three wrong answers")
        assert "nothing was saved" in ended(child)
    assert child.exitstatus == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "make", "steps"),
    [
        (
            "square",
            SquareDouble,
            [("Way to sign in", "browser"), ("Application ID", "app"), ("Application secret", "")],
        ),
        (
            "clover",
            CloverDouble,
            [("Merchant ID", "MID1"), TIMEZONE, ("Way to sign in", "2"), ("App ID", "app")],
        ),
        (
            "lightspeed",
            LightspeedDouble,
            [("store's address", "corner"), ("Way to sign in", "2"), ("Client ID", "app"), ("Client secret", "s")],
        ),
    ],
)
def test_an_account_is_set_up_by_signing_in_to_it(
    tmp_path: Path, store: Store, kind: str, make: Callable[[], Any], steps: Steps
) -> None:
    folder = tmp_path / "shop"
    with make() as double:
        child = start(folder, store, "--pos-url", double.url)
        talk(child, [*opening(store), ("number or a name", kind), *steps])
        child.expect("Address of that page")
        child.sendline(_allowed(_url(child.before or "")))
        child.expect("gave access")
        talk(child, CLOSING)
        shown = ended(child)
        assert child.exitstatus in (0, 1), shown
        double.sell(1)
        assert command(folder, "sync").code in (0, 1)
        assert double.token not in shown
        source = next(iter(config_of(folder))).split(".")[1]
        assert command(folder, "sources", "test", source).code in (0, 1)


def test_odoo_is_set_up(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    with OdooDouble() as double:
        steps = [
            ("Odoo's address", "not an address"),
            ("Odoo's address", double.url),
            ("Name of the database", "shop"),
            TIMEZONE,
        ]
        steps += [("Way to sign in", "1"), ("Login", "ada"), ("API key", "key-of-the-double")]
        child = start(folder, store)
        talk(child, [*opening(store), ("number or a name", "odoo"), *steps, *CLOSING])
        assert child.exitstatus in (0, 1, None), ended(child)
        ended(child)
    assert config_of(folder)["sources.odoo.login"] == "ada"


def test_a_tills_database_is_set_up_with_its_url_as_a_secret(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    with OpenSourcePos.running() as till:
        url = till.database.url
        steps = [
            ("Which till", "9"),
            ("Which till", "opensourcepos"),
            ("The database", "nonsense"),
            ("The database", url),
        ]
        steps += [("Currency", "dollars"), ("Currency", "USD"), TIMEZONE]
        child = start(folder, store)
        talk(child, [*opening(store), ("number or a name", "database"), *steps, *CLOSING])
        shown = ended(child)
        assert child.exitstatus in (0, 1), shown
        assert (folder / "sql-url").read_text() == url
        password = url.partition("@")[0].rpartition(":")[2]
        assert not password or password not in shown + (folder / "syncd.toml").read_text()


def test_an_api_without_an_adapter_is_set_up(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    with RestDouble() as double:
        settings = double.settings()
        steps = [
            ("The API's address", settings.url),
            ("Path of the list", "sales"),
            ("Path of the list", settings.list.path),
        ]
        steps += [("Where the sales are", settings.list.items), ("Parameter that takes", settings.list.since)]
        names = ("A sale's id", "Its time", "What the customer paid", "Its list of items")
        keys = ("sale_id", "placed_at", "total", "lines")
        steps += [(name, settings.sale[key]) for name, key in zip(names, keys, strict=True)]
        steps += [("An item's name", "("), ("An item's name", settings.line["name"])]
        steps += [("An item's SKU", "sku"), ("An item's quantity", "quantity"), ("An item's sum", "total")]
        steps += [("Currency", "USD"), TIMEZONE, ("Way to sign in", "header"), ("Name of the header", "X-Key")]
        steps += [("Key", "key-of-the-double")]
        child = start(folder, store)
        talk(child, [*opening(store), ("number or a name", "rest"), *steps, *CLOSING])
        shown = ended(child)
        assert child.exitstatus in (0, 1), shown
        assert (folder / "rest-auth-value").read_text() == "key-of-the-double"
        assert config_of(folder)["sources.rest.sale.sale_id"] == settings.sale["sale_id"]


def test_a_program_that_posts_sales_is_set_up_with_a_secret_of_its_own(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    child = start(folder, store)
    talk(child, [*opening(store), ("number or a name", "push"), ("Secret to sign with", ""), *CLOSING])
    shown = ended(child)
    secret = (folder / "push-secret").read_text()
    assert len(secret) >= 32
    assert secret not in shown
    assert "/intake/push" in shown


@pytest.mark.parametrize("kind", ["csv", "jsonl", "poslog"])
def test_exports_are_set_up_by_a_file(tmp_path: Path, store: Store, kind: str) -> None:
    folder, file = tmp_path / "shop", tmp_path / "an export.txt"
    if kind == "csv":
        file = tmp_path / "an items.csv"
        file.write_bytes(next((_DEMO / "inbox-cafe").glob("items-*.csv")).read_bytes())
    elif kind == "poslog":
        file = tmp_path / "log.xml"
        file.write_text(of_sales([sale(source="till", sale_id="a")]))
    else:
        file = tmp_path / "sales.jsonl"
        file.write_text(sale(source="till", sale_id="a").to_json() + "\n")
    child = start(folder, store)
    talk(child, [*opening(store), ("number or a name", kind), ("path of an export", str(tmp_path / "none.csv"))])
    talk(child, [("number or a name", f"'{file}'")])
    found = child.expect(["Time zone of its times", "Currency of its amounts", "Who shall be mailed"])
    while found != 2:
        child.sendline("")
        found = child.expect(["Time zone of its times", "Currency of its amounts", "Who shall be mailed"])
    child.sendline("")
    talk(child, CLOSING[1:])
    shown = ended(child)
    assert child.exitstatus in (0, 1), shown
    assert config_of(folder)["sources.till.type"] == kind
    assert f"put an export into {folder}/inbox" in " ".join(shown.split())


def test_every_type_of_source_is_driven_by_a_test() -> None:
    driven = {
        "csv",
        "jsonl",
        "poslog",
        "push",
        "rest",
        "sql",
        "odoo",
        "square",
        "clover",
        "loyverse",
        "shopify_pos",
        "lightspeed_x",
    }
    own = {kind for kind, where in registry.packages().items() if where.startswith("syncd ")}
    assert own == driven


def test_a_second_source_is_added_to_a_config_and_its_remarks_stay(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    with LoyverseDouble() as double:
        child = start(folder, store, "--pos-url", double.url)
        talk(
            child,
            [
                *opening(store),
                ("number or a name", "loyverse"),
                TIMEZONE,
                ("Access token", "token-of-the-double"),
                *CLOSING,
            ],
        )
        ended(child)
        config = folder / "syncd.toml"
        config.write_text(config.read_text() + "\n# a remark of the owner's\n")
        before = config.read_text()
        file = tmp_path / "sales.jsonl"
        file.write_text(sale(source="till", sale_id="a").to_json() + "\n")
        child = start(folder, store, "--add-source")
        talk(child, [("number or a name", str(file))])
        shown = ended(child)
        assert child.exitstatus in (0, 1), shown
        assert config.read_text().startswith(before.rstrip())
        assert {key.split(".")[1] for key in config_of(folder)} == {"loyverse", "till"}
        child = start(folder, store, "--add-source", "--pos-url", double.url)
        talk(child, [("number or a name", "loyverse"), TIMEZONE, ("Access token", "token-of-the-double")])
        talk(child, [("A name for this source", "loyverse"), ("is taken", "second")])
        shown = ended(child)  # the same account a second time: refused, and the config stays as it was
        assert child.exitstatus == 2
        assert "every sale would become two orders" in shown
        assert not (folder / "second-token").exists()
        assert {key.split(".")[1] for key in config_of(folder)} == {"loyverse", "till"}


def test_a_setup_is_done_again_and_enter_keeps_what_is_there(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    export = tmp_path / "sales.jsonl"
    export.write_text(sale(source="till", sale_id="a").to_json() + "\n")
    assert init(folder, store, store.store_hash, store.token, _ADDRESS, str(export), "", "", "no").code in (0, 1)
    config = folder / "syncd.toml"
    config.write_text(config.read_text().replace("[sources.till]", "# mine\n[sources.till]"))
    child = start(folder, store, "--redo")
    talk(child, [("API path", ""), ("Access token", ""), ("shop's address", "2 Side Street, Austin, Texas, 78701, US")])
    talk(child, [("Who shall be mailed", "")])
    shown = ended(child)
    assert child.exitstatus in (0, 1), shown
    text = config.read_text()
    assert "2 Side Street" in text
    assert "1 Main Street" not in text
    assert "# mine" in text
    assert (folder / "bigcommerce-token").read_text() == store.token
    assert start(tmp_path / "nowhere", store, "--redo").expect("there is no") == 0


@pytest.mark.parametrize("name", ["a shop", "50% off", 'quo"te', "$HOME", "ünï"])
def test_a_folder_of_any_name_gets_files_and_commands_that_work(tmp_path: Path, store: Store, name: str) -> None:
    import shlex
    import subprocess

    folder = tmp_path / name
    export = tmp_path / "sales.jsonl"
    export.write_text(sale(source="till", sale_id="a").to_json() + "\n")
    done = init(folder, store, store.store_hash, store.token, _ADDRESS, str(export), "", "o@example.com", "systemd")
    assert done.code in (0, 1), done.out + done.err
    (archive,) = [line for line in done.out.splitlines() if "syncd orders archive" in line]
    words = shlex.split(archive.partition("syncd ")[2])
    assert words[-1] == str(folder / "syncd.toml")
    unit = folder / "syncd.service"
    text = unit.read_text().replace(str(Path(sys.executable).with_name("syncd")), "/bin/true")
    checked = tmp_path / "checked.service"
    checked.write_text(re.sub(r"^User=.*$", "", text, flags=re.MULTILINE))
    verify = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(checked)], capture_output=True, text=True, check=False
    )
    assert verify.returncode == 0, verify.stderr
    again = init(tmp_path / f"{name} 2", store, store.store_hash, store.token, _ADDRESS, str(export), "", "", "compose")
    assert again.code in (0, 1)
    import yaml

    made = yaml.safe_load((tmp_path / f"{name} 2" / "compose.yaml").read_text())["services"]["syncd"]
    assert made["working_dir"].replace("$$", "$") == str(tmp_path / f"{name} 2")
    assert made["volumes"][0]["source"].replace("$$", "$") == str(tmp_path / f"{name} 2")


def test_an_owner_of_a_mac_gets_a_launch_agent(tmp_path: Path) -> None:
    import plistlib

    from syncd.cli.wizard.files import agent_text

    agent = plistlib.loads(agent_text(tmp_path / "a & b").encode())
    assert agent["ProgramArguments"][1:] == ["run", "--config", str(tmp_path / "a & b" / "syncd.toml")]
    assert agent["RunAtLoad"] is True


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "shop"
    child = start(folder, store)
    talk(child, opening(store))
    child.expect("number or a name")
    for _ in range(
        12
    ):  # a signal that comes just before readline waits is heard at the next key: people press it again
        child.sendintr()
        if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=5) == 0:
            break
    child.close()
    assert "Traceback" not in (child.before or "")
    assert child.exitstatus == 130
    assert list(folder.iterdir()) == []


def test_a_setup_that_was_killed_while_it_wrote_can_be_done_again(tmp_path: Path, store: Store) -> None:
    folder, export = tmp_path / "shop", tmp_path / "sales.jsonl"
    folder.mkdir()
    for name in ("bigcommerce-token", "alert-url", "syncd.service"):  # what it had written before it died
        (folder / name).write_text("cut off")
    export.write_text(sale(source="till", sale_id="a").to_json() + "\n")
    done = init(folder, store, store.store_hash, store.token, _ADDRESS, str(export), "", "", "systemd")
    assert done.code in (0, 1), done.out + done.err
    assert (folder / "bigcommerce-token").read_text() == store.token
    assert "ExecStart" in (folder / "syncd.service").read_text()


def test_questions_say_where_to_find_the_answer(tmp_path: Path, store: Store) -> None:
    child = start(tmp_path / "shop", store)
    child.expect("Store-level API accounts")
    talk(child, opening(store))
    talk(child, [("number or a name", "square")])
    child.expect("developer.squareup.com")
    child.close(force=True)
