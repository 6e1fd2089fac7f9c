"""Tokens: one word that a header takes, and never a whole credentials file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from syncd.errors import SecretMissing
from syncd.secret import Token

DOWNLOADED = "ACCESS TOKEN: abcdef0123456789\nCLIENT ID: client\nCLIENT SECRET: topsecret\nNAME: syncd\n"


class Model(BaseModel):
    token: Token


def test_a_credentials_file_as_it_was_downloaded_is_refused_without_its_words(tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text(DOWNLOADED)
    with pytest.raises(SecretMissing) as caught:
        Model.model_validate({"token": {"file": str(file)}}).token.get_secret_value()
    said = f"{caught.value} {caught.value!r}"
    assert "must be the token alone, and holds 4 lines" in said
    assert not any(word in said for word in ("topsecret", "abcdef0123456789"))


@pytest.mark.parametrize("value", ["two words", "tökén", "a\tb", "\u200babc"])
def test_what_no_header_takes_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("T", value)
    with pytest.raises(SecretMissing, match="must be the token alone") as caught:
        Model.model_validate({"token": {"env": "T"}}).token.get_secret_value()
    assert value not in str(caught.value)


def test_a_token_is_taken_without_the_line_end_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc.DEF-123_~+/=\n")
    found = Model.model_validate({"token": {"file": str(tmp_path / "token")}})
    assert found.token.get_secret_value() == "abc.DEF-123_~+/="
