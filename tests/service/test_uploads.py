"""An export is uploaded on the page: its preview says what would become of its sales, and nothing is sent before that."""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.service.pages import PASSWORD, Served, a_sale, held, settled, users

_UPLOAD = "/sources/till/upload"


def upload(served: Served, name: str, content: str | bytes, csrf: str | None = None) -> requests.Response:
    data = {"csrf": served.csrf() if csrf is None else csrf}
    return served.session.post(served.url + _UPLOAD, data, files={"file": (name, content)}, timeout=30)


def decided(served: Served, page: requests.Response, what: str) -> requests.Response:
    return served.post(page.url.removeprefix(served.url), do=what)


def lying(served: Served) -> list[str]:
    """Every file in the source's folder, but those that were read."""
    inbox = served.shop.folder / "inbox"
    files = [path for path in inbox.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if path.parent.name not in ("processed", "failed"))


def test_an_export_is_previewed_then_sent_once(served: Served) -> None:
    page = upload(served, "week.jsonl", a_sale("a", number="R-1") + a_sale("b") + held("c") + "not a sale\n")
    assert page.status_code == 200
    for words in ("Preview of week.jsonl", "3 sales", "Nothing is recorded or sent yet", "Send 3 sales", "R-1"):
        assert words in page.text
    tiles = dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>(\d+)</dd>", page.text))
    assert tiles == {"a new order": "2", "held for a decision": "1", "cannot be read": "1"}
    assert served.get("/api/v1/sales").json()["items"] == []
    assert served.shop.store.orders() == []
    sent = decided(served, page, "send")
    assert "week.jsonl is being read" in sent.text
    settled(served, 3)
    assert len(served.shop.store.orders()) == 2
    assert decided(served, page, "send").status_code == 404, "it was sent already"
    assert lying(served) == []
    again = upload(served, "week.jsonl", a_sale("a", number="R-1"))
    assert dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>(\d+)</dd>", again.text)) == {"nothing changes": "1"}


def test_two_people_who_press_send_at_once_send_it_once(served: Served) -> None:
    page = upload(served, "day.jsonl", a_sale("a"))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: decided(served, page, "send").status_code, range(4)))
    assert sorted(answers) == [200, 404, 404, 404]
    settled(served, 1)
    assert len(served.shop.store.orders()) == 1


def test_what_is_thrown_away_leaves_nothing(served: Served) -> None:
    page = upload(served, "day.jsonl", a_sale("a"))
    assert lying(served) == ["day.jsonl"]
    assert "was thrown away" in decided(served, page, "discard").text
    assert lying(served) == []
    assert served.get(page.url.removeprefix(served.url)).status_code == 404
    assert served.get("/api/v1/sales").json()["items"] == []


def test_an_upload_that_nobody_sends_is_read_by_no_poll_and_forgotten_after_a_day(served: Served) -> None:
    upload(served, "old.jsonl", a_sale("a"))
    served.shop.drop("other.jsonl", a_sale("b"))
    settled(served, 1)
    assert "never read" not in served.get("/sources/till").text
    (place,) = (served.shop.folder / "inbox" / ".uploads").iterdir()
    os.utime(place, (time.time() - 90_000,) * 2)
    upload(served, "new.jsonl", a_sale("c"))
    assert lying(served) == ["new.jsonl"]


@pytest.mark.parametrize(
    "name", ["../../inbox/evil.jsonl", "/etc/evil.jsonl", "C:\\tills\\evil.jsonl", "inbox/../evil.jsonl"]
)
def test_a_name_that_leads_elsewhere_loses_its_folders(served: Served, name: str) -> None:
    page = upload(served, name, a_sale("a"))
    assert "Preview of evil.jsonl" in page.text
    assert [path.parent.parent.name for path in served.shop.folder.rglob("evil.jsonl")] == [".uploads"]


@pytest.mark.parametrize("name", [".evil.jsonl", "sales.exe", "x" * 200 + ".jsonl", "day.jsonl.part", ".."])
def test_a_name_that_no_export_has_is_refused_in_words_and_nothing_is_kept(served: Served, name: str) -> None:
    page = upload(served, name, a_sale("a"))
    assert page.status_code == 400
    assert lying(served) == []


def test_what_is_no_upload_is_refused_and_never_breaks_the_page(served: Served) -> None:
    assert upload(served, "day.jsonl", "").status_code == 400
    assert upload(served, "day.jsonl", a_sale("a"), csrf="0" * 64).status_code == 403
    assert "too large" in upload(served, "day.jsonl", b"x" * (8 * 1024 * 1024 + 1)).text
    kinds = ["multipart/form-data", "multipart/form-data; boundary=x", "multipart/form-data; boundary=" + "y" * 5000]
    for kind in kinds:
        for body in (
            b"",
            b"--x\r\n",
            b"--x\r\n\r\n\r\n--x--",
            os.urandom(500),
            b"--x\r\nContent-Disposition: form-data\r\n\r\na",
        ):
            answer = requests.post(served.url + _UPLOAD, body, headers={"Content-Type": kind}, timeout=10)
            assert answer.status_code in (400, 403), (kind, body, answer.text)
    assert upload(served, "day.jsonl", b"\xff\x00 nothing that a till says").status_code == 200
    assert served.get("/sources/till/uploads/..%2f..").status_code == 404
    assert lying(served) == ["day.jsonl"]


def test_whoever_only_sees_can_upload_nothing(served: Served) -> None:
    users(served.shop, "add", "eve", "--role", "viewer")
    visitor = Served(served.url, shop=served.shop, process=served.process)
    assert visitor.sign_in("eve", PASSWORD).status_code == 303
    assert "Upload an export" not in visitor.get("/sources/till").text
    assert upload(visitor, "day.jsonl", a_sale("a")).status_code == 403
    assert lying(served) == []


def test_a_folder_that_cannot_be_written_offers_no_upload(tmp_path: Path, served: Served) -> None:
    assert "Upload an export" in served.get("/sources/till").text
    (served.shop.folder / "inbox").rename(tmp_path / "moved")
    assert "Upload an export" not in served.get("/sources/till").text
    assert upload(served, "day.jsonl", a_sale("a")).status_code == 404
    (tmp_path / "moved").rename(served.shop.folder / "inbox")
