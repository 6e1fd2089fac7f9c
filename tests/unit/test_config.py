from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.config import load
from syncd.errors import ConfigError
from syncd.secret import secrets_in

GOOD = """
[stores.main]
store_hash = "abc123"
token = { env = "TEST_TOKEN" }
api_url = "http://127.0.0.1:8790"
quota_share = 0.8
[stores.main.default_address]
street_1 = "1 Main Street"
city = "Austin"
state = "Texas"
zip = "78701"
country_iso2 = "US"

[sources.till]
type = "jsonl"
path = "inbox"
"""


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TOKEN", "s3cret-token")
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)


def write(tmp_path: Path, text: str = GOOD) -> Path:
    path = tmp_path / "syncd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return {problem.key: f"{problem.allowed} {problem.found}" for problem in caught.value.problems}


def test_a_good_config_is_read_with_its_defaults(tmp_path: Path) -> None:
    config = load(write(tmp_path))
    store = config.stores["main"]
    assert store.connection.store_hash == "abc123"
    assert store.rules.channel_id == 1
    assert store.push.settle == timedelta(seconds=60)
    assert config.sources["till"].common.every == timedelta(seconds=30)


def test_a_source_goes_to_the_only_store_unless_it_names_one(tmp_path: Path) -> None:
    assert load(write(tmp_path)).sources["till"].common.store == "main"
    found = problems(write(tmp_path, GOOD + 'store = "elsewhere"\n'))
    assert "main" in found["sources.till.store"]


def test_relative_ledger_paths_start_at_the_config_file(tmp_path: Path) -> None:
    config = load(write(tmp_path, '[ledger]\nurl = "sqlite:///data/ledger.db"\n' + GOOD))
    assert config.ledger_url.get_secret_value() == f"sqlite:///{tmp_path}/data/ledger.db"


def test_every_problem_is_told_at_once_with_its_key(tmp_path: Path) -> None:
    text = GOOD.replace("quota_share = 0.8", 'quota_share = 8\nunknown_sku = "drop"\nchanel_id = 1').replace(
        'city = "Austin"', ""
    )
    found = problems(write(tmp_path, text.replace('path = "inbox"', "")))
    assert set(found) == {
        "stores.main.quota_share",
        "stores.main.unknown_sku",
        "stores.main.chanel_id",
        "stores.main.default_address.city",
        "sources.till.path",
    }
    assert "custom" in found["stores.main.unknown_sku"]
    assert "'drop'" in found["stores.main.unknown_sku"]
    assert "did you mean channel_id" in found["stores.main.chanel_id"]
    assert "is required" in found["sources.till.path"]


def test_an_unknown_source_type_names_the_known_ones(tmp_path: Path) -> None:
    found = problems(write(tmp_path, GOOD.replace('"jsonl"', '"abacus"')))
    assert "csv" in found["sources.till.type"]


def test_a_missing_secret_is_a_problem_that_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_TOKEN")
    assert "TEST_TOKEN is not set" in problems(write(tmp_path))["stores.main.token"]


def test_a_token_written_into_the_config_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, GOOD.replace('{ env = "TEST_TOKEN" }', '"plain-token-value"')))
    assert "stores.main.token" in str(caught.value)
    assert "plain-token-value" not in str(caught.value)


def test_no_secret_is_in_the_configs_repr(tmp_path: Path) -> None:
    text = '[ledger]\nurl = "postgresql://joe:hunter22@db/x"\n' + GOOD
    shown = repr(load(write(tmp_path, text)))
    assert "s3cret-token" not in shown
    assert "hunter22" not in shown


def test_the_environment_goes_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_STORES__MAIN__QUOTA_SHARE", "0.5")
    monkeypatch.setenv("SYNCD_LOG__LEVEL", "debug")
    config = load(write(tmp_path))
    assert config.stores["main"].connection.quota_share == 0.5
    assert config.log.level == "debug"


@pytest.mark.parametrize("table", ["ledger", "log", "service", "intake", "web", "alerts"])
def test_every_table_can_be_set_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    key, value = {
        "ledger": ("url", "sqlite:///other.db"),
        "log": ("level", "debug"),
        "service": ("push_every", "7s"),
        "intake": ("listen", "127.0.0.1:1"),
        "web": ("listen", "127.0.0.1:2"),
        "alerts": ("late_after", "7m"),
    }[table]
    path = write(tmp_path)
    before = getattr(load(path), table)
    monkeypatch.setenv(f"SYNCD_{table.upper()}__{key.upper()}", value)
    assert getattr(load(path), table) != before


@pytest.mark.parametrize(
    ("web", "wrong"),
    [
        ('listen = "0.0.0.0:8788"', {"web.url"}),
        ('listen = "0.0.0.0:8788"\nurl = "https://shop.example"', set()),
        ('proxies = ["10.0.0.0/8", "::1"]', set()),
        ('proxies = ["the proxy"]', {"web.proxies.0"}),
        ('listen = "0.0.0.0:8788"\npassword_hash = "$argon2id$x"', {"web.url"}),
        ('listen = "0.0.0.0:8788"\npassword_hash = "$argon2id$x"\nurl = "http://shop.example"', {"web.url"}),
        ('listen = "0.0.0.0:8788"\npassword_hash = "$argon2id$x"\nurl = "https://shop.example"', set()),
        ('listen = "0.0.0.0:8788"\npassword_hash = "$argon2id$x"\ncertificate = "a"\nkey = "b"', set()),
        ('listen = "0.0.0.0:8788"\nurl = "http://localhost:8788"', set()),
        ('listen = "0.0.0.0:8788"\nenabled = false', set()),
        ('listen = "127.0.0.1:1"\npassword_hash = "hunter2"', {"web.password_hash"}),
        ('listen = "127.0.0.1:1"\ncertificate = "a"', {"web.key"}),
        ('listen = "[::1]:1"', set()),
    ],
)
def test_the_page_is_shown_beyond_this_machine_only_with_a_password_and_tls(
    tmp_path: Path, web: str, wrong: set[str]
) -> None:
    text = f"[web]\n{web}\n{GOOD}"
    if not wrong:
        assert load(write(tmp_path, text)).web.listen
        return
    found = problems(write(tmp_path, text))
    assert set(found) == wrong
    assert "hunter2" not in str(found)


def test_settle_must_outlast_a_request(tmp_path: Path) -> None:
    found = problems(write(tmp_path, GOOD.replace("quota_share = 0.8", 'settle = "30s"')))
    assert "must be longer than" in found["stores.main.settle"]


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 3"):
        load(write(tmp_path, "[stores.main]\nstore_hash = 'a'\nbroken\n"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


def test_without_a_file_the_places_that_were_searched_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"\./syncd\.toml and /etc/syncd/syncd\.toml"):
        load()


def test_the_environment_can_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_CONFIG", str(write(tmp_path)))
    assert load().path == tmp_path / "syncd.toml"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "syncd.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(path)


SQUARE = GOOD.partition("[sources.till]")[0] + '[sources.till]\ntype = "square"\ntoken = { env = "TEST_TOKEN" }\n'


def test_a_secret_in_clear_is_refused_and_never_told_whatever_its_key_is_called(tmp_path: Path) -> None:
    hook = '[sources.till.webhook]\nsignature_key = "in-clear"\nurl = "https://a.example/intake/till"\n'
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, SQUARE + hook))
    assert "sources.till.webhook.signature_key" in str(caught.value)
    assert "in-clear" not in str(caught.value)
    clover = (
        SQUARE.replace('"square"', '"clover"') + 'merchant_id = "M1"\n[sources.till.webhook]\nauth_code = "in-clear"\n'
    )
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, clover))
    assert "in-clear" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('locations = "L1"\n', 'must be a list, such as ["a", "b"]'),
        ('version = "today"\n', "is not written as it must be"),
        ('[intake]\nlisten = "nope"\n', "must be an address and a port"),
        ('[sources.till.webhook]\nsignature_key = { env = "TEST_TOKEN" }\nurl = "x"\n', "must be a URL"),
    ],
)
def test_what_a_value_must_be_is_said_in_words_and_not_as_a_pattern(more: str, words: str, tmp_path: Path) -> None:
    (told,) = problems(write(tmp_path, SQUARE + more)).values()
    assert words in told
    assert "tuple" not in told
    assert "^" not in told


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("checkout.onlyy = []", "stores.main.checkout.onlyy", "did you mean only?"),
        ('checkout = "yes"', "stores.main.checkout", "must be a table: [stores.main.checkout]"),
        ('default_address = "home"', "stores.main.default_address", "must be a table: [stores.main.default_address]"),
    ],
)
def test_a_table_of_a_store_that_is_none_and_a_key_within_it_are_named(
    tmp_path: Path, text: str, key: str, words: str
) -> None:
    good = GOOD.split("[stores.main.default_address]", maxsplit=1)[0] if text.startswith("default_address") else GOOD
    found = problems(write(tmp_path, good.replace("[stores.main]\n", f"[stores.main]\n{text}\n", 1)))
    assert words in found[key]


def test_a_network_in_the_config_is_not_walked_address_by_address() -> None:
    """``10.0.0.0/8`` has sixteen million addresses, and a network of IPv6 more than anybody counts."""

    class Endless:
        def __iter__(self) -> Iterator[str]:
            pytest.fail("it was walked")

    assert list(secrets_in([Endless(), "sqlite:///ledger.db"])) == []
