"""The rows of the outcome table that the client decides, one by one."""

import json
from decimal import Decimal

import pytest

from syncd.bigcommerce.classify import classify, reset_s, words
from syncd.bigcommerce.outcome import Accepted, Barred, NotSent, Refused, Throttled, Unknown
from syncd.http.transport import HttpAnswer, HttpError

KEY = "till:1"


def answer(status: int, body: object = None, **headers: str) -> HttpAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw, 0.1)


GOOD = {"id": 7, "external_order_id": KEY, "total_inc_tax": "10.8000", "total_tax": 0.8}


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_whole_answer_with_an_id_that_echoes_our_key_is_accepted(status: int) -> None:
    seen = classify(answer(status, GOOD), external_order_id=KEY)
    assert seen == Accepted(7, Decimal("10.8"), Decimal("0.8"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"[" * 100_000,
        b"<html>Sorry</html>",
        json.dumps(GOOD).encode()[:-5],
        {**GOOD, "id": None},
        {**GOOD, "id": True},
        {**GOOD, "id": 0},
        {**GOOD, "id": "7"},
        {**GOOD, "external_order_id": "somebody:else"},
        {"id": 7},
    ],
)
def test_an_answer_of_200_that_cannot_be_trusted_leaves_the_outcome_unknown(body: object) -> None:
    assert isinstance(classify(answer(200, body), external_order_id=KEY), Unknown)


@pytest.mark.parametrize("body", [{"id": 777}, {"id": True}, {}, b"{"])
def test_the_answer_to_a_change_counts_only_if_it_is_about_that_order(body: object) -> None:
    assert isinstance(classify(answer(200, {"id": 7}), order_id=7), Accepted)
    assert isinstance(classify(answer(200, body), order_id=7), Unknown)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_may_have_been_a_proxys_after_the_commit(status: int) -> None:
    assert classify(answer(status), external_order_id=KEY) == Unknown(
        f"the API answered {status} and pointed elsewhere; not followed", misdirected=True
    )


@pytest.mark.parametrize("status", [401, 403, 423])
def test_a_refused_token_blames_no_sale(status: int) -> None:
    assert classify(answer(status, {"title": "Unauthorized"})) == Barred(status, "Unauthorized")


@pytest.mark.parametrize("status", [400, 404, 405, 409, 413, 415, 422, 451])
def test_a_clear_no_is_refused_with_its_words(status: int) -> None:
    seen = classify(answer(status, [{"status": status, "message": "bad zip"}]))
    assert seen == Refused(status, "bad zip")


def test_a_store_that_is_suspended_or_has_reached_its_limits_is_closed_and_the_outcome_unknown() -> None:
    suspended = [{"status": 503, "message": "The store is suspended. This may be due to an administrative action."}]
    for status, body in ((503, suspended), (507, "")):
        seen = classify(answer(status, body))
        assert isinstance(seen, Unknown)
        assert seen.store_closed
    maintenance = classify(answer(503, "down for maintenance"))
    assert isinstance(maintenance, Unknown)
    assert not maintenance.store_closed


@pytest.mark.parametrize("status", [100, 408, 500, 502, 503, 504, 507, 509, 520, 599])
def test_a_failure_of_the_platform_leaves_the_outcome_unknown(status: int) -> None:
    assert isinstance(classify(answer(status)), Unknown)


def test_a_used_up_quota_says_how_long() -> None:
    assert classify(answer(429, None, X_Rate_Limit_Time_Reset_Ms="1500")) == Throttled(1.5)
    assert classify(answer(429)) == Throttled(None)


def test_an_exchange_that_broke_is_not_sent_before_the_connection_and_unknown_after() -> None:
    assert classify(HttpError("refused", connected=False)) == NotSent("refused")
    assert classify(HttpError("reset", connected=True)) == Unknown("reset")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-Rate-Limit-Time-Reset-Ms": "250"}, 0.25),
        ({"Retry-After": "3"}, 3.0),
        ({"X-Retry-After": "2", "X-Rate-Limit-Time-Reset-Ms": "9000"}, 9.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e99"}, 300.0),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_bounded_and_absurd_headers_are_passed_over(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert reset_s(headers) == seconds


def test_an_errors_words_are_one_bounded_line_without_control_characters() -> None:
    v3 = {"status": 422, "title": "Invalid", "errors": {"products.0.name": "is too\nlong"}}
    assert words(json.dumps(v3).encode()) == "Invalid: products.0.name: is too long"
    v2 = [{"status": 400, "message": "bad", "details": {"invalid_reason": "no such product"}}]
    assert words(json.dumps(v2).encode()) == "bad: invalid_reason: no such product"
    assert words(b"") == "no words with it"
    assert words(b"\x1b[31m" + b"x" * 10_000).startswith(" [31m".strip())
    assert len(words(b"x" * 10_000)) == 500
