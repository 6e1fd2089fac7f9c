"""Two sources that read the same thing are refused when the config is loaded, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import load
from syncd.errors import ConfigError
from tests.shop import ADDRESS

STORE = '[stores.main]\nstore_hash = "abc"\ntoken = { env = "T" }\n' + ADDRESS
SFTP = '[sources.{name}.sftp]\nhost = "{host}"\nuser = "u"\nhost_key = "SHA256:abc"\npassword = {{ env = "T" }}\npath = "{path}"\n'
KEY = 'token = { env = "T" }\n'


def config(tmp_path: Path, *sources: str) -> Path:
    file = tmp_path / "syncd.toml"
    file.write_text(STORE + "".join(sources), encoding="utf-8")
    return file


def csv(name: str, path: str, more: str = "") -> str:
    return f'[sources.{name}]\ntype = "csv"\npreset = "square"\ncurrency = "USD"\npath = "{path}"\n{more}'


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("T", "a-token")
    (tmp_path / "inbox" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "inbox")


SAME = {
    "one folder": (csv("a", "inbox"), csv("b", "inbox")),
    "a folder and a link to it": (csv("a", "inbox"), csv("b", "link")),
    "a folder by another spelling": (csv("a", "inbox"), csv("b", "inbox/../inbox/")),
    "a folder within the other": (csv("a", "inbox"), csv("b", "inbox/deep")),
    "what the other has processed": (csv("a", "inbox"), csv("b", "link/processed")),
    "one folder, patterns that overlap": (csv("a", "inbox", 'pattern = "items-*"\n'), csv("b", "inbox")),
    "one folder on a server": (
        csv("a", "one") + SFTP.format(name="a", host="pos.example", path="/out"),
        csv("b", "two") + SFTP.format(name="b", host="POS.example", path="out/"),
    ),
    "one database with one preset": tuple(
        f'[sources.{name}]\ntype = "sql"\npreset = "opensourcepos"\nurl = "mysql://u@127.0.0.1/pos"\ncurrency = "USD"\n'
        for name in "ab"
    ),
    "one account": tuple(f'[sources.{name}]\ntype = "square"\n{KEY}' for name in "ab"),
    "one account, locations that overlap": tuple(
        f'[sources.{name}]\ntype = "square"\n{KEY}locations = ["L1", "{name}"]\n' for name in "ab"
    ),
    "one merchant": tuple(f'[sources.{name}]\ntype = "clover"\nmerchant_id = "M1"\n{KEY}' for name in "ab"),
}
APART = {
    "two folders": (csv("a", "inbox"), csv("b", "other")),
    "one folder, two types": (csv("a", "inbox"), '[sources.b]\ntype = "jsonl"\npath = "inbox"\n'),
    "one folder, patterns that exclude each other": (
        csv("a", "inbox", 'pattern = "items-*"\n'),
        csv("b", "inbox", 'pattern = "toast-*"\n'),
    ),
    "one account, a location each": tuple(
        f'[sources.{name}]\ntype = "square"\n{KEY}locations = ["{name}"]\n' for name in "ab"
    ),
    "one that is switched off": (csv("a", "inbox"), csv("b", "inbox", "enabled = false\n")),
}


@pytest.mark.parametrize("case", SAME)
def test_two_sources_that_read_the_same_are_refused(tmp_path: Path, case: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(config(tmp_path, *SAME[case]))
    (problem,) = refused.value.problems
    assert problem.key == "sources.b"
    assert "every sale would become two orders" in problem.allowed
    assert "a-token" not in str(refused.value)


@pytest.mark.parametrize("case", APART)
def test_two_sources_that_read_different_things_are_not(tmp_path: Path, case: str) -> None:
    assert set(load(config(tmp_path, *APART[case])).sources) == {"a", "b"}
