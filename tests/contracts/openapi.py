"""Holds recorded exchanges against BigCommerce's own OpenAPI descriptions.

openapi-core checks what the descriptions say; ``_unknown`` adds what they leave open: a field that no branch of a schema
names is a typing mistake of ours, which BigCommerce would silently ignore.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from tests.shared import OPENAPI

HOST = "https://api.bigcommerce.com"
Exchange = Mapping[str, Any]
Schema = Mapping[str, Any]
_FILES = (
    ("/v2/orders", "orders.v2.oas2.yml"),
    ("/v3/orders", "orders.v3.yml"),
    ("/v2/order_statuses", "orders.v2.oas2.yml"),
    ("/v2/store", "store_information.v2.yml"),
    ("/v2/time", "store_information.v2.yml"),
    ("/v3/catalog/variants", "catalog/product-variants_catalog.v3.yml"),
    ("/v3/catalog/products", "catalog/products_catalog.v3.yml"),
    ("/v3/carts", "carts.v3.yml"),
    ("/v3/checkouts", "checkouts.v3.yml"),
    ("/v3/customers", "customers.v3.yml"),
    ("/v3/channels", "channels.v3.yml"),
    ("/v3/settings", "settings.v3.yml"),
)

# Parameters that BigCommerce's prose tells of, and its description of the path leaves out: archived orders in a list, and
# several SKUs in one look-up of variants (described for products).
_TOLD_ELSEWHERE = {"is_deleted", "sku:in"}
# Recorded of a real store on 2026-06-18: null, where the description has text, or no such field.
_RECORDED_AS_NULL = {"cart_id", "payment_provider_id", "credit_card_type", "customer_message", "staff_notes"}
# told by the documentation's pages alone
_NOT_AMONG_THE_FILES = ("/v2/currencies", "/v2/tax_classes", "/v3/tax/settings", "/v3/inventory/locations")


def problems(exchange: Exchange) -> list[str]:
    """What the description has against an exchange: its request, and its answer."""
    if exchange["path"].endswith(_NOT_AMONG_THE_FILES):
        return []
    api, document = _description(exchange["path"])
    request = MockRequest(
        HOST,
        exchange["method"],
        exchange["path"],
        args=_as_described(exchange["query"]),
        headers={"X-Auth-Token": "token", "Accept": "application/json"},
        data=exchange["body"].encode() or None,
    )
    found = [f"request: {words}" for words in _raised(lambda: api.validate_request(request))]
    operation = _operation(document, exchange)
    found += [f"request: {name} is no parameter" for name in _strange_parameters(document, operation, exchange)]
    if exchange["body"]:
        schemas = [content["schema"] for content in operation["requestBody"]["content"].values()]
        found += [f"request: {name} is no field" for name in _unknown(document, json.loads(exchange["body"]), schemas)]
    created = {201: 200} if exchange["method"] == "POST" and "/v2/" in exchange["path"] else {}
    described = created.get(
        int(exchange["status"]), int(exchange["status"])
    )  # the file says 200; real stores answer 201
    answer = operation["responses"].get(str(described))
    if answer is not None and exchange["status"] == 204 and exchange["method"] == "DELETE":
        return found
    if answer is None or exchange["status"] in (204, 404):  # the description of 404 is of no answer that was ever seen
        return [*found, *_undescribed(exchange)]
    body = _without_recorded_nulls(exchange["answer"])
    response = MockResponse(body.encode(), described, content_type=exchange["kind"])
    found += [f"answer: {words}" for words in _raised(lambda: api.validate_response(request, response))]
    if body:
        contents = _resolved(document, answer).get("content", {})
        schemas = [content["schema"] for content in contents.values() if "schema" in content]
        answered = json.loads(body)
        if (
            exchange["path"].endswith("/fees") and "/v2/" in exchange["path"]
        ):  # the description's example wraps what its schema describes
            schemas = [{"properties": {"fees": {"items": schemas[0]}}}]
        found += [f"answer: {name} is no field" for name in _unknown(document, answered, schemas)]
    return found


def _without_recorded_nulls(body: str) -> str:
    """An answer without the fields that a real store answers as null, whatever the description says of them."""
    answered = json.loads(body or "null")
    rows = answered if isinstance(answered, list) else [answered]
    for row in rows:
        for name in _RECORDED_AS_NULL & row.keys() if isinstance(row, dict) else ():
            if row[name] is None:
                del row[name]
    return json.dumps(answered) if body else body


def exchanges(tape: Path) -> list[dict[str, Any]]:
    """The exchanges that a sandbox recorded."""
    return [json.loads(line) for line in tape.read_text(encoding="utf-8").splitlines()]


def _as_described(query: Mapping[str, str]) -> dict[str, str]:
    """The description names a direction for ``sort`` in its words, and leaves it out of its list of values."""
    if "sort" not in query:
        return dict(query)
    field, _, direction = query["sort"].partition(":")
    return {**query, "sort": field if direction in {"", "asc", "desc"} else query["sort"]}


def _strange_parameters(document: Schema, operation: Schema, exchange: Exchange) -> list[str]:
    named = {_resolved(document, parameter)["name"] for parameter in operation.get("parameters", ())}
    return sorted(exchange["query"].keys() - named - _TOLD_ELSEWHERE)


def _undescribed(exchange: Exchange) -> list[str]:
    """Statuses that the descriptions are silent about: an empty V2 list, and errors, in the shapes that the docs tell."""
    status, is_v2 = exchange["status"], "/v2/" in exchange["path"]
    if status == 204:
        return [] if is_v2 and not exchange["answer"] else ["answer: a 204 with a body, or not of V2"]
    if status < 400:
        return [f"answer: status {status} is not described"]
    error = json.loads(exchange["answer"])
    if isinstance(error, list):
        good = all(one["status"] == status and isinstance(one["message"], str) for one in error)
        return [] if good and is_v2 else ["answer: not an error of V2"]
    return [] if error["status"] == status and isinstance(error["title"], str) else ["answer: not an error of V3"]


def _raised(check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except OpenAPIError as error:
        cause = error.__cause__
        broken = getattr(cause, "schema_errors", None) or getattr(error, "schema_errors", None)
        if broken:
            yield from (f"{'.'.join(map(str, one.absolute_path)) or '(top)'}: {one.message}" for one in broken)
        else:
            yield f"{error} {cause or ''}".strip()


def _unknown(document: Schema, value: Any, schemas: Iterable[Schema], path: str = "") -> Iterator[str]:
    """The fields of ``value`` that none of ``schemas``, in any of its branches, has a name for."""
    branches = [branch for schema in schemas for branch in _branches(document, schema)]
    if isinstance(value, list):
        items = [branch["items"] for branch in branches if "items" in branch]
        for place, item in enumerate(value):
            yield from _unknown(document, item, items, f"{path}[{place}]")
    elif isinstance(value, dict) and any("properties" in branch for branch in branches):
        for name, inner in value.items():
            named = [branch["properties"][name] for branch in branches if name in branch.get("properties", {})]
            if named:
                yield from _unknown(document, inner, named, f"{path}.{name}")
            else:
                yield f"{path}.{name}"


def _branches(document: Schema, schema: Schema) -> Iterator[Schema]:
    schema = _resolved(document, schema)
    yield schema
    for word in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(word, ()):
            yield from _branches(document, branch)


def _resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _operation(document: Schema, exchange: Exchange) -> Schema:
    rest = "/" + exchange["path"].split("/", 4)[4]
    parts = rest.split("/")
    for template, methods in document["paths"].items():
        wanted = template.split("/")
        same = len(wanted) == len(parts) and all(
            w == p or w.startswith("{") for w, p in zip(wanted, parts, strict=True)
        )
        exact = template == rest or rest not in document["paths"]
        if same and exact and exchange["method"].lower() in methods:
            found: Schema = methods[exchange["method"].lower()]
            return found
    msg = f"{exchange['method']} {rest} is not described"
    raise AssertionError(msg)


def _description(path: str) -> tuple[OpenAPI, Schema]:
    rest = "/" + path.split("/", 3)[3]
    return _loaded(next(file for start, file in _FILES if rest.startswith(start)))


def _untie(node: Any) -> None:
    """A refund's item by ORDER or FEE fits two of the description's alternatives alike, which "one of" would forbid."""
    if isinstance(node, list):
        for item in node:
            _untie(item)
    elif isinstance(node, dict):
        one_of = node.get("oneOf")
        if isinstance(one_of, list) and all(
            "item_type" in one.get("properties", {}) for one in one_of if "$ref" not in one
        ):
            node["anyOf"] = node.pop("oneOf")
        for inner in node.values():
            _untie(inner)


@cache
def _loaded(name: str) -> tuple[OpenAPI, Schema]:
    document = yaml.safe_load((OPENAPI / name).read_text(encoding="utf-8"))
    _untie(document)
    return OpenAPI.from_dict(document, config=Config(spec_validator_cls=None)), document  # type: ignore[arg-type]  # None: no validation of the file itself
