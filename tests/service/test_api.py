"""The API: what it answers is what its description says, and each token reads what its scopes allow."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from syncd.canonical import CanonicalOrder
from syncd.web.api.endpoints import ENDPOINTS
from syncd.web.api.openapi import BASE, document
from tests.service.daemons import until
from tests.service.pages import PASSWORD, Served, a_sale, asks, held, page_of, settled, users
from tests.shop import running_sandbox

MARY = {"first_name": "Mary", "last_name": "Jones", "email": "mary@example.com"}
MALFORMED = int(os.environ.get("SYNCD_MANY", "400"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A shop with an account, a few sales of each kind, and a record that cannot be read."""
    with running_sandbox() as (_, store), page_of(tmp_path_factory.mktemp("api"), store) as found:
        sales = "".join(a_sale(f"s{n}", customer=MARY, number=f"R-{n}") for n in range(7)) + held("h1") + held("h2")
        found.shop.drop("a.jsonl", sales + '{"source": "till"}\n')
        settled(found, 9)
        done = found.shop.run("backfill", "--source", "till", "--from", "2026-11-20", "--to", "2026-11-20")
        assert done.code == 0, done.err
        users(found.shop, "add", "ada")
        until(lambda: found.get("/").url.endswith("/login"))
        yield found


def token(served: Served, name: str, *scopes: str) -> dict[str, str]:
    """The header of a new token."""
    words = [word for scope in scopes for word in ("--scope", scope)]
    done = asks(served.shop, "tokens", "add", name, *words)
    assert done.returncode == 0, done.stderr
    return {"Authorization": f"Bearer {done.stdout.strip()}"}


@pytest.fixture(scope="module")
def everything(served: Served) -> dict[str, str]:
    return token(served, "everything", "customers")


def asked(served: Served, path: str, headers: dict[str, str], **query: str) -> requests.Response:
    return requests.get(f"{served.url}{BASE}{path}", headers=headers, params=query, timeout=20, allow_redirects=False)


def described(response: requests.Response, path: str, query: dict[str, str]) -> Any:
    """What was answered, which must be as the description says."""
    api = OpenAPI.from_dict(document())
    request = MockRequest("", "get", f"{BASE}{path}", args=query, headers={"Authorization": "Bearer x"})
    api.validate_request(request)
    answer = MockResponse(response.content, response.status_code, content_type=response.headers["Content-Type"])
    api.validate_response(request, answer)
    return response.json()


PATHS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "/stores": [("/stores", {}), ("/stores", {"q": "main", "limit": "1"})],
    "/stores/{name}": [("/stores/main", {})],
    "/sales": [("/sales", {}), ("/sales", {"q": "mary mug", "state": "synced", "limit": "2", "from": "2026-01-01"})],
    "/sales/{number}": [("/sales/1", {}), ("/sales/8", {})],
    "/days": [("/days", {"source": "till", "from": "2026-11-20", "to": "2026-11-20"})],
}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.path)
def test_every_address_answers_as_the_description_says(
    served: Served, everything: dict[str, str], endpoint: Any
) -> None:
    for path, query in PATHS.get(endpoint.path, [(endpoint.path, {})]):
        answer = asked(served, path, everything, **query)
        assert answer.status_code == 200, answer.text
        body = described(answer, path, query)
        if "items" in body:
            assert body["items"] or endpoint.path == "/alerts", path
        assert answer.headers["Cache-Control"] == "no-store"
    missing = {"/stores/{name}": "/stores/nowhere", "/sales/{number}": "/sales/99999999999999999999999"}
    if endpoint.path in missing:
        described(answer := asked(served, missing[endpoint.path], everything), missing[endpoint.path], {})
        assert answer.status_code == 404


def test_the_api_says_what_the_ledger_has(served: Served, everything: dict[str, str]) -> None:
    def items(path: str, **query: str) -> Any:
        return asked(served, path, everything, **query).json()["items"]

    status = asked(served, "/status", everything).json()
    assert (status["orders_today"], status["attention"], status["well"], status["running"]) == (7, 3, False, True)
    (store,) = items("/stores")
    assert (store["states"]["synced"], store["states"]["held"], store["paused"]) == (7, 2, False)
    (source,) = items("/sources")
    assert (source["name"], source["type"], source["unreadable_records"]) == ("till", "jsonl", 1)
    (reason,) = items("/attention")
    assert (reason["sales"], reason["totals"], reason["state"]) == (2, {"USD": "23.60"}, "held")
    (day,) = items("/days", source="till", **{"from": "2026-11-20", "to": "2026-11-20"})
    assert (day["orders"], day["pos_total"], day["order_total"], day["missing"]) == (7, "99.20", "75.60", 2)
    keys: list[str] = []
    before: dict[str, str] = {}
    while True:
        page = asked(served, "/sales", everything, limit="4", **before).json()
        keys += [one["key"] for one in page["items"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert sorted(keys) == sorted([f"till:s{n}" for n in range(7)] + ["till:h1", "till:h2"])
    (one,) = items("/sales", q="R-3")
    assert one["customer"] == "Mary Jones"
    assert one["placed_at"] == "2026-11-20T10:15:00-06:00"
    assert one["total_inc_tax"] == "10.80"
    story = asked(served, f"/sales/{one['id']}", everything).json()
    assert [attempt["http_status"] for attempt in story["attempts"]] == [201]
    assert CanonicalOrder.model_validate(story["document"]).number == "R-3"
    lines = items("/log", limit="200")
    assert {line["by"] for line in lines} == {"syncd"}


def test_a_token_reads_what_its_scopes_allow_and_no_more(served: Served) -> None:
    status, sales = token(served, "wallboard"), token(served, "books", "sales")
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace("{name}", "main").replace("{number}", "1")
        query = {"source": "till"} if path == "/days" else {}
        allowed = [asked(served, path, headers, **query).status_code for headers in (status, sales)]
        assert allowed == [200 if endpoint.scope == "status" else 403, 200], path
    text = asked(served, "/sales/1", sales).text + asked(served, "/sales", sales).text
    for secret in ("Mary", "Jones", "mary@example.com", "Mug", "Cash"):
        assert secret not in text
    assert asked(served, "/sales", sales, receipt="R-3").json()["items"][0]["receipt"] == "R-3"
    assert (
        asked(served, "/sales", sales, q="jones").status_code == 400
    )  # or it could be asked whether somebody bought here
    assert {one["name"] for one in json.loads(asks(served.shop, "tokens", "list", "--json").stdout)} >= {
        "wallboard",
        "books",
    }
    listed = asks(served.shop, "tokens", "list").stdout
    assert "syncd_" not in listed
    assert asks(served.shop, "tokens", "remove", "books").returncode == 0
    assert asked(served, "/sales", sales).status_code == 401


def test_nobody_without_a_token_or_a_session_reads_anything(served: Served, everything: dict[str, str]) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer syncd_wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YWRhOmFkYQ=="},
        {"Cookie": f"syncd={'x' * 43}"},
        {**everything, "Authorization": everything["Authorization"] + "x"},
    ):
        answer = asked(served, "/sales", headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "R-3" not in answer.text
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (
            requests.request(method, f"{served.url}{BASE}/sales/1", headers=everything, timeout=10).status_code == 405
        )
    assert served.get(f"{BASE}/sales").status_code == 401
    served.sign_in("ada", PASSWORD)
    assert served.get(f"{BASE}/sales").json()["items"]
    assert served.get(f"{BASE}/sales", headers={"Host": "evil.example"}).status_code == 401
    served.post("/logout", csrf=served.csrf("/"))
    assert requests.get(f"{served.url}{BASE}/openapi.json", timeout=10).json() == document()


def test_malformed_requests_of_the_api_are_refused_in_words_and_break_nothing(
    served: Served, everything: dict[str, str]
) -> None:
    dice = random.Random(11)
    odd = [
        "\x00",
        "💥",
        "9" * 40,
        "-1",
        "' or 1=1 --",
        "%ff",
        "../../x",
        "a" * 3000,
        "1.1",
        "\u202e",
        "0",
        "",
        "2026-02-30",
        "٣",
    ]
    names = sorted({parameter.name for one in ENDPOINTS for parameter in one.parameters} | {"x"})
    for _ in range(MALFORMED):
        endpoint = dice.choice(ENDPOINTS)
        path = endpoint.path.replace("{name}", dice.choice(odd) or "x").replace("{number}", dice.choice(odd) or "1")
        query = {dice.choice(names): dice.choice(odd) for _ in range(3)}
        answer = asked(served, path, everything, **query)
        assert answer.status_code in (200, 400, 404, 405), (path, query, answer.text)
        assert "Traceback" not in answer.text
        if answer.status_code == 400:
            assert answer.json()["what"]
