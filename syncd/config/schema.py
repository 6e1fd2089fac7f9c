"""The JSON schema of a config file, for editors that complete and check TOML; made of the settings models themselves."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from syncd.config import ROOMS, Tables
from syncd.sources import registry
from syncd.sources.csv.presets import names as csv_presets
from syncd.sources.settings import SourceSettings
from syncd.sources.sql.presets import names as sql_presets

Schema = dict[str, Any]
_OF_PRESETS = {"csv": (csv_presets, "generic"), "sql": (sql_presets, "queries")}
_NAME = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"


def schema() -> Schema:
    """Return the schema (draft 2020-12) of every table, those of stores and of each type of source included."""
    definitions: Schema = {}
    whole = _model(Tables, "", definitions)
    whole["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    whole["title"] = "syncd's configuration"
    store: Schema = {"type": "object", "additionalProperties": False, "properties": {}, "required": []}
    for room, model in ROOMS.items():
        part = _model(model, f"{room}_", definitions)
        store["properties"] |= part.get("properties", {})
        store["required"] += part.get("required", [])
    whole["properties"]["stores"] = {
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {_NAME: store},
    }
    whole["properties"]["store_defaults"] = {key: value for key, value in store.items() if key != "required"}
    sources = {"oneOf": list(_sources(definitions))}
    whole["properties"]["sources"] = {
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {_NAME: sources},
    }
    whole["properties"]["source_defaults"] = _source_defaults(sources["oneOf"], definitions)
    whole["$defs"] = definitions
    return whole


def _source_defaults(kinds: list[Schema], definitions: Schema) -> Schema:
    """Return the table of the defaults: keys that all sources share, and a table of its own for each type."""
    shared = deepcopy(_model(SourceSettings, "source_", definitions)["properties"])
    of_type: Schema = {}
    for kind in kinds:
        name = kind["properties"]["type"]["const"]
        table = of_type.setdefault(name, {"type": "object", "additionalProperties": False, "properties": {}})
        own = {key: value for key, value in kind["properties"].items() if key not in ("type", "preset")}
        table["properties"] |= own | ({"preset": {"type": "string"}} if "preset" in kind["properties"] else {})
    return {"type": "object", "additionalProperties": False, "properties": shared | of_type}


def _sources(definitions: Schema) -> Iterator[Schema]:
    """Yield the table of each type of source, of each preset where a type has them."""
    common = _model(SourceSettings, "source_", definitions)
    for kind in registry.known():
        presets, usual = _OF_PRESETS.get(kind, (lambda: ("",), ""))
        for preset in presets():
            table = {"type": kind} | ({"preset": preset} if preset else {})
            own = _model(registry.settings_of(table), f"{kind}_{preset}_", definitions)
            properties = {**deepcopy(common["properties"]), **own.get("properties", {})}
            properties |= {name: {"const": value} for name, value in table.items()}
            needed = {"type", *own.get("required", [])} | ({"preset"} if preset and preset != usual else set())
            yield {
                "type": "object",
                "title": " ".join(table.values()),
                "properties": properties,
                "required": sorted(needed),
                "additionalProperties": False,
            }


class WithoutDefaults(GenerateJsonSchema):
    """A schema without defaults: some are secrets, and the example shows them all."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema of the value alone."""
        return self.generate_inner(schema["schema"])


def _model(model: type[BaseModel], prefix: str, definitions: Schema) -> Schema:
    found = model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}", schema_generator=WithoutDefaults)
    definitions.update({f"{prefix}{name}": one for name, one in found.pop("$defs", {}).items()})
    return found
