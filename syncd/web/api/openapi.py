"""The description of the API in OpenAPI 3.1, made from the endpoints themselves.

Source: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue, models_json_schema

from syncd import __version__
from syncd.web.api.endpoints import ENDPOINTS
from syncd.web.api.models import ErrorOut
from syncd.web.api.request import Endpoint

BASE = "/api/v1"
_MODE: JsonSchemaMode = "serialization"
_NAMED = re.compile(r"\{(\w+)\}")
_ERRORS = {
    "400": "A parameter is not understood.",
    "401": "There is no token, or it does not count any more.",
    "403": "The token may not read this.",
    "404": "There is no such thing.",
    "503": "The ledger cannot be read now.",
}


def document() -> dict[str, Any]:
    """Return the description as JSON values."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(one.answers, _MODE) for one in ENDPOINTS]
    refs, schemas = models_json_schema([*models, (ErrorOut, _MODE)], ref_template="#/components/schemas/{model}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "syncd",
            "version": __version__,
            "description": "What the page shows, for programs. It changes nothing. Make a token with `syncd tokens add`.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": {one.path: {"get": _operation(one, refs)} for one in ENDPOINTS},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas.get("$defs", {}),
        },
    }


def _operation(one: Endpoint, refs: Mapping[Any, JsonSchemaValue]) -> dict[str, Any]:
    error = {"application/json": {"schema": refs[ErrorOut, _MODE]}}
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer" if name == "number" else "string"}}
        for name in _NAMED.findall(one.path)
    ]
    asked = [
        {
            "name": parameter.name,
            "in": "query",
            "description": parameter.says,
            "schema": {"type": "integer" if parameter.is_number else "string"},
        }
        for parameter in one.parameters
    ]
    return {
        "operationId": one.run.__name__,
        "summary": one.says,
        "description": f"For tokens with the scope `{one.scope.value}`.",
        "parameters": named + asked,
        "responses": {
            "200": {
                "description": (one.answers.__doc__ or one.says).partition("\n")[0],
                "content": {"application/json": {"schema": refs[one.answers, _MODE]}},
            },
            **{code: {"description": says, "content": error} for code, says in _ERRORS.items()},
        },
    }
