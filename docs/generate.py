"""Writes docs/reference/: commands, keys of the config and the API, from the program itself. ``python docs/generate.py``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import time
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from syncd.cli.main import cli
from syncd.cli.man import walk_commands
from syncd.config import ROOMS, Tables
from syncd.config.schema import WithoutDefaults, schema
from syncd.durations import format_duration
from syncd.sale.reasons import BY_CODE
from syncd.sources import registry
from syncd.sources.settings import SourceSettings
from syncd.web.api.openapi import document

HERE = Path(__file__).parent / "reference"
_NOTE = "<!-- Made by docs/generate.py: `make docs` writes it anew. -->\n\n"
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "nothing",
}
Command = Any  # typer has its own copy of click, and exports none of its types


def commands_page() -> str:
    """Return the reference of all commands."""
    root = typer.main.get_command(cli)
    lines = [
        _NOTE + "# Commands\n",
        "Each command's `-h` prints the same. Options that every command takes stand first.\n",
    ]
    lines += _options(root)
    for path, command in walk_commands(root, ()):
        text, _, example = (command.help or "").partition("Example: ")
        lines.append(f"## {' '.join(path)}\n")
        lines.append(" ".join(text.split()) + "\n")
        if example:
            lines.append(f"```sh\n{example.strip()}\n```\n")
        lines += _options(command)
    lines.append(f"## Exit codes\n\n{(root.epilog or '').removeprefix('Exit codes: ')}\n")
    return "\n".join(lines)


def _options(command: Command) -> list[str]:
    context = typer.Context(command)
    rows = []
    for one in command.params:
        if one.param_type_name == "argument":
            rows.append((f"`{(one.metavar or str(one.name)).upper()}`", " ".join((one.help or "").split())))
        elif record := one.get_help_record(context):
            rows.append((f"`{record[0]}`", " ".join(record[1].split())))
    if not rows:
        return []
    return ["| option | says |", "| --- | --- |", *(f"| {_cell(name)} | {_cell(says)} |" for name, says in rows), ""]


def config_page() -> str:
    """Return the reference of all keys of the config."""
    remarks, definitions = dict(_remarks()), schema()
    lines = [_NOTE + "# Config\n"]
    lines.append(
        "Every key, its kind and its default. `syncd config example` prints a file with all of them and a word on each;"
        " `syncd config schema` prints a JSON schema for editors; `syncd config show --all` prints what is in effect.\n"
    )
    for name, field in Tables.model_fields.items():
        if isinstance(field.default, BaseModel):
            lines += _table(f"[{name}]", [field.default.__class__], definitions["$defs"], remarks)
    lines += _table("[stores.NAME]", list(ROOMS.values()), definitions["$defs"], remarks)
    lines += [
        "## [store_defaults], [source_defaults]\n",
        (
            "What every store and every source has that does not say otherwise: any key of `[stores.NAME]` in the first, any key "
            "that all types share in the second. Keys of one type go into a table of its own: `[source_defaults.square]`.\n"
        ),
        "## conf.d/*.toml\n",
        (
            "Files beside the config file, each with `[stores.NAME]` and `[sources.NAME]` alone: one file a store. A file that "
            "cannot be used leaves its own store out, and no other. Relative paths start at the folder of the config file.\n"
        ),
    ]
    lines += _table("[sources.NAME]: every type", [SourceSettings], definitions["$defs"], remarks)
    for kind in registry.known():
        lines += _table(
            f'[sources.NAME], type = "{kind}"', [registry.settings_of({"type": kind})], definitions["$defs"], {}
        )
    return "\n".join(lines)


def _table(
    title: str, models: list[type[BaseModel]], definitions: dict[str, Any], remarks: dict[tuple[str, str], str]
) -> list[str]:
    lines = [f"## {title}\n", "| key | kind | default | |", "| --- | --- | --- | --- |"]
    for key, kind, default in _rows(models, definitions):
        says = remarks.get((re.sub(r"\W.*", "", title.strip("[")), key), "")
        lines.append(f"| `{key}` | {_cell(kind)} | {_cell(default)} | {_cell(says)} |")
    return [*lines, ""]


def _rows(models: list[type[BaseModel]], definitions: dict[str, Any], at: str = "") -> Iterator[tuple[str, str, str]]:
    for model in models:
        shown = model.model_json_schema(schema_generator=WithoutDefaults).get("properties", {})
        for name, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            inner = (
                field.annotation
                if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
                else None
            )
            if inner is None and isinstance(default, BaseModel):
                inner = type(default)
            if inner is not None:
                yield from _rows([inner], definitions, f"{at}{name}.")
            else:
                yield f"{at}{name}", _kind(shown.get(name, {})), _default(default, required=field.is_required())


def _kind(shown: dict[str, Any]) -> str:
    if "enum" in shown:
        return " or ".join(f"`{one}`" for one in shown["enum"])
    if "const" in shown:
        return f"`{shown['const']}`"
    if "oneOf" in shown and "{ env" in str(shown.get("description")):
        return "secret"
    if "anyOf" in shown:
        kinds = [kind for one in shown["anyOf"] if (kind := _kind(one)) != "nothing"]
        return "duration" if kinds == ["text", "number"] and "30s" in str(shown) else " or ".join(dict.fromkeys(kinds))
    if shown.get("type") == "array":
        return f"list of {_kind(shown.get('items', {}))}"
    return _KINDS.get(str(shown.get("type")), "table")


def _default(value: object, *, required: bool) -> str:
    if required or value is PydanticUndefined:
        return "required"
    if value is None or value in ((), {}, ""):
        return ""
    if isinstance(value, SecretStr):
        return f"`{value.get_secret_value()}`"
    if hasattr(value, "total_seconds"):
        return f"`{format_duration(value)}`"  # type: ignore[arg-type]  # a timedelta
    if isinstance(value, time):
        return f"`{value:%H:%M}`"
    if isinstance(value, tuple | list):
        return ", ".join(f"`{one}`" for one in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _remarks() -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the words that the example has on each key, by its table and its name."""
    table, key = "", ("", "")
    for line in (files("syncd") / "config_example.toml").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"#? ?\[(\w+)[.\w]*\]", line):
            table, key = heading[1], ("", "")
        elif found := re.match(r"#? ?(\w+) = .*?\s+# (.+)$", line):
            key = (table, found[1])
            yield key, found[2]


def messages_page() -> str:
    """Return why sales wait, by what the page and the mails say, and what to do."""
    lines = [_NOTE + "# Why a sale waits\n"]
    lines.append(
        "The page groups sales by these reasons, mails name them, and `syncd sale KEY` shows the words of one sale."
        " The first decision is the one that helps most often.\n"
    )
    lines += ["| it says | what to do | decisions | code for programs |", "| --- | --- | --- | --- |"]
    for code, kind in BY_CODE.items():
        verbs = ", ".join(f"`{verb}`" for verb in kind.verbs) or "none"
        lines.append(f"| {_cell(kind.many)} | {_cell(kind.do)} | {verbs} | `{code}` |")
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def api_page() -> str:
    """Return the description of the API in OpenAPI, as a file for tools."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


PAGES = {"commands.md": commands_page, "messages.md": messages_page, "config.md": config_page, "openapi.json": api_page}


def main() -> None:
    """Write all of them."""
    HERE.mkdir(exist_ok=True)
    for name, made in PAGES.items():
        (HERE / name).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
