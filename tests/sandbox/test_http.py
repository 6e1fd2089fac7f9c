"""The dress of the sandbox's answers: headers, tongue, and what a store answers that takes no request now."""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests

from tests.sandbox.test_refusals import BODY
from tests.shop import Store, running_sandbox


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_sandbox() as (_, made):
        yield made


def post(store: Store, body: object = BODY, accept: str = "application/json") -> requests.Response:
    headers = {"X-Auth-Token": store.token, "Accept": accept}
    return requests.post(f"{store.url}/stores/{store.store_hash}/v2/orders", json=body, headers=headers, timeout=10)


def with_fault(store: Store, kind: str, **more: Any) -> requests.Response:
    store.control("faults", {"faults": [{"kind": kind, "method": "POST", "times": 1, **more}]})
    try:
        return post(store)
    finally:
        store.control("faults", {"faults": []})


def test_a_new_order_is_answered_as_recorded_of_a_real_store(store: Store) -> None:
    answer = post(store)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert not {"content-length", "location"} & set(answer.headers)
    assert answer.headers["last-modified"].endswith("+0000")
    assert answer.headers["x-bc-apilimit-remaining"] == "20000"
    assert len(answer.headers["x-request-id"]) == 32
    names = [name for name in answer.raw.headers if name.lower().startswith("x-rate-limit")]
    assert names == [name.lower() for name in names]
    assert len(names) == 4


def test_v2_speaks_xml_to_whoever_does_not_ask_for_json(store: Store) -> None:
    answer = post(store, accept="*/*")
    assert answer.headers["content-type"] == "application/xml"
    root = ET.fromstring(answer.content)
    assert (root.findtext("status_id"), root.findtext("total_inc_tax")) == ("1", "11.0000")
    refused = ET.fromstring(post(store, {}, accept="*/*").content)
    assert refused.findtext("error/status") == "400"


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("423", 423, "locked"),
        ("507", 507, "limit of its plan"),
        ("suspended", 503, "The store is suspended."),
        ("401", 401, "Unauthorized"),
    ],
)
def test_a_store_that_takes_no_request_says_so(store: Store, kind: str, status: int, words: str) -> None:
    answer = with_fault(store, kind)
    assert answer.status_code == status
    assert words in answer.text


def test_a_quota_that_is_used_up_has_four_dresses(store: Store) -> None:
    rate, retry = "x-rate-limit-time-reset-ms", "x-retry-after"
    seen = {}
    for kind in ("429", "429_bare", "429_retry_after", "429_as_500"):
        answer = with_fault(store, kind)
        seen[kind] = (answer.status_code, rate in answer.headers, retry in answer.headers)
    assert seen == {
        "429": (429, True, False),
        "429_bare": (429, False, False),
        "429_retry_after": (429, False, True),
        "429_as_500": (500, True, False),
    }


@pytest.mark.parametrize("status", [502, 504])
def test_the_edges_own_failures_are_pages(store: Store, status: int) -> None:
    answer = with_fault(store, "5xx_before", status=status)
    assert answer.status_code == status
    assert answer.text.startswith("<html>")


def test_the_sandboxs_time_passes_at_once_where_a_test_says_so(store: Store) -> None:
    before = store.get("/v2/time")["time"]
    store.control("clock", {"forward_s": 7200})
    made = post(store).json()
    assert parsedate_to_datetime(made["date_modified"]).timestamp() >= before + 7200
    assert store.get("/v2/time")["time"] >= before + 7200
    with pytest.raises(requests.HTTPError):
        store.control("clock", {"forward_s": -1})
