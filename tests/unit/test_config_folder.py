"""``conf.d``: a file a store, defaults for all of them, and a bad file that leaves its own store out and no other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.config import Config, load
from syncd.config.loading import load as load_again
from syncd.errors import ConfigError
from syncd.presentation.config import settings_of
from tests.shop import ADDRESS

MAIN = f"""
[ledger]
url = "sqlite:///ledger.db"

[store_defaults]
api_url = "http://127.0.0.1:8790"
quota_share = 0.5
token = {{ env = "TEST_TOKEN" }}
{ADDRESS.replace("stores.main", "store_defaults")}
[source_defaults]
every = "2m"
[source_defaults.square]
locations = ["L1"]
"""


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TOKEN", "s3cret-token")
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)


def shop(name: str, more: str = "", source: str = "") -> str:
    return f"""
[stores.{name}]
store_hash = "hash{name}"
{more}
[sources.{name}-till]
type = "jsonl"
path = "inbox/{name}"
{source}
"""


def write(folder: Path, parts: dict[str, str], main: str = MAIN) -> Path:
    (folder / "conf.d").mkdir(exist_ok=True)
    for name, text in parts.items():
        (folder / "conf.d" / name).write_text(text, encoding="utf-8")
    path = folder / "syncd.toml"
    path.write_text(main, encoding="utf-8")
    return path


def left_out(config: Config) -> dict[str, str]:
    return {left.file: left.words for left in config.left_out}


def test_each_file_adds_a_store_with_its_sources(tmp_path: Path) -> None:
    config = load(write(tmp_path, {"a.toml": shop("a"), "b.toml": shop("b")}))
    assert sorted(config.stores) == ["a", "b"]
    assert config.sources["b-till"].common.store == "b"
    assert config.left_out == ()


def test_a_store_has_the_defaults_for_what_it_does_not_say_itself(tmp_path: Path) -> None:
    config = load(write(tmp_path, {"a.toml": shop("a", "quota_share = 0.25"), "b.toml": shop("b")}))
    assert config.stores["a"].connection.quota_share == 0.25
    assert config.stores["b"].connection.quota_share == 0.5
    assert config.stores["b"].rules.default_address is not None


def test_a_source_has_the_defaults_of_all_and_those_of_its_type(tmp_path: Path) -> None:
    square = '[stores.b]\nstore_hash = "hashb"\n[sources.b]\ntype = "square"\ntoken = { env = "TEST_TOKEN" }\n'
    config = load(write(tmp_path, {"a.toml": shop("a", source='every = "5s"'), "b.toml": square}))
    assert config.sources["a-till"].common.every == timedelta(seconds=5)
    assert config.sources["b"].common.every == timedelta(minutes=2)
    assert config.sources["b"].settings.model_dump()["locations"] == ("L1",)


def test_the_main_file_takes_the_defaults_as_well(tmp_path: Path) -> None:
    config = load(write(tmp_path, {}, MAIN + shop("main")))
    assert config.stores["main"].connection.quota_share == 0.5
    assert config.sources["main-till"].common.every == timedelta(minutes=2)


BAD = {
    "no TOML": "[stores.bad\n",
    "no UTF-8": "[stores.bad]\nstore_hash = 'h\xff'\n",
    "a NUL": '[stores.bad]\nstore_hash = "h\\u0000"\n',
    "an unknown key": shop("bad", "quota_shere = 0.5"),
    "a value that cannot be": shop("bad", "quota_share = 7"),
    "an unknown type": shop("bad").replace("jsonl", "jsonnl"),
    "a missing key": shop("bad").replace("path", "# path"),
    "a secret that cannot be read": shop("bad", 'token = { file = "nowhere" }'),
    "another file's store": shop("bad", source='store = "a"'),
    "a store that is nowhere": shop("bad", source='store = "elsewhere"'),
    "a table of the main file": shop("bad") + '[ledger]\nurl = "sqlite:///other.db"\n',
    "stores that are no table": "stores = 5\n",
    "a store that is no table": "[stores]\nbad = 5\n",
    "a name that another file has": shop("a"),
    "a source's name that another file has": shop("bad").replace("bad-till", "a-till"),
    "what another file reads": shop("bad").replace("inbox/bad", "inbox/a"),
    "a folder within another file's": shop("bad").replace("inbox/bad", "inbox/a/within"),
    "an unlikely depth": "a = " + "[" * 3000 + "]" * 3000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_file_leaves_its_own_store_out_and_no_other(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, {"a.toml": shop("a"), "c.toml": shop("c")})
    (tmp_path / "conf.d" / "bad.toml").write_bytes(text.encode("latin-1"))
    config = load(path)
    assert sorted(config.stores) == ["a", "c"]
    assert sorted(config.sources) == ["a-till", "c-till"]
    (left,) = config.left_out
    assert left.file == "conf.d/bad.toml"
    assert left.problems
    assert "conf.d/bad.toml cannot be used" in left.words
    assert "s3cret" not in left.words


def test_a_bad_file_is_named_with_its_store_and_every_problem(tmp_path: Path) -> None:
    text = shop("bad", 'quota_share = 7\nquota_shere = 1\ntoken = "in-clear"')
    (words,) = left_out(load(write(tmp_path, {"bad.toml": text, "a.toml": shop("a")}))).values()
    assert "bad, bad-till is left out" in words
    assert "stores.bad.quota_share" in words
    assert "did you mean quota_share?" in words
    assert "in-clear" not in words


def test_a_store_of_a_file_that_is_no_toml_goes_by_the_name_of_its_file(tmp_path: Path) -> None:
    (left,) = load(write(tmp_path, {"shop-7.toml": "[[["})).left_out
    assert left.stores == ("shop-7",)


@pytest.mark.parametrize("name", [".hidden.toml", "a.toml~", "a.toml.bak", "README.md"])
def test_what_is_no_toml_file_by_its_name_is_not_read(tmp_path: Path, name: str) -> None:
    config = load(write(tmp_path, {"a.toml": shop("a"), name: "[[["}))
    assert config.left_out == ()
    assert sorted(config.stores) == ["a"]


BAD_DEFAULTS = {
    "store_defaults.quota_shere": "[store_defaults]\nquota_shere = 1\n",
    "store_defaults.quota_share": "[store_defaults]\nquota_share = 7\n",
    "source_defaults.path": '[source_defaults]\npath = "inbox"\n',
    "source_defaults.every": '[source_defaults]\nevery = "often"\n',
    "source_defaults.square.locatoins": '[source_defaults.square]\nlocatoins = ["L"]\n',
}


@pytest.mark.parametrize(("key", "text"), BAD_DEFAULTS.items())
def test_a_mistake_in_the_defaults_is_said_once_and_not_for_each_store(tmp_path: Path, key: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, {"a.toml": shop("a"), "b.toml": shop("b")}, text))
    assert [problem.key for problem in caught.value.problems] == [key]


def test_the_environment_goes_over_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_STORES__A__QUOTA_SHARE", "0.9")
    monkeypatch.setenv("SYNCD_STORE_DEFAULTS__QUOTA_SHARE", "0.8")
    config = load(write(tmp_path, {"a.toml": shop("a"), "b.toml": shop("b")}))
    assert config.stores["a"].connection.quota_share == 0.9
    assert config.stores["b"].connection.quota_share == 0.8


def test_a_setting_says_in_which_file_it_is_written(tmp_path: Path) -> None:
    found = settings_of(
        load(write(tmp_path, {"a.toml": shop("a", "send_as = 'guest'").replace("send_as", "customers")}))
    )
    assert found["stores.a.customers"].origin == "conf.d/a.toml"
    assert found["stores.a.quota_share"].origin == "defaults"
    assert found["sources.a-till.every"].origin == "defaults"
    assert found["ledger.url"].origin == "file"
    assert found["stores.a.settle"].origin == "default"


NAMES = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), min_size=1, max_size=5, unique=True)


@given(names=NAMES, broken=st.sets(st.sampled_from(["a", "b", "c", "d", "e"])))
def test_whatever_files_are_broken_the_others_are_all_there(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], broken: set[str]
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    parts = {f"{name}.toml": shop(name) if name not in broken else shop(name, "quota_share = 7") for name in names}
    config = load_again(write(folder, parts))
    assert set(config.stores) == set(names) - broken
    assert {left.stores[0] for left in config.left_out} == set(names) & broken
