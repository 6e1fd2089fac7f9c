"""The staff note by a template of the shop's own: Jinja2 in its sandbox, so that a template can say things and do none."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import format_money

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def _compiled(text: str) -> Template:
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415  most shops have no template

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["money"] = format_money
    return environment.from_string(text)


def _plain(order: CanonicalOrder) -> dict[str, object]:
    """Return what a template may see of a sale: values alone, for the methods of a model could be made to run code."""
    found: dict[str, object] = _values(order)
    return found


def _values(value: Any) -> Any:  # noqa: ANN401  whatever a model holds
    if isinstance(value, BaseModel):
        kind = type(value)
        worked_out = [name for one in kind.__mro__ for name, what in vars(one).items() if isinstance(what, property)]
        names = (*kind.model_fields, *(name for name in worked_out if not name.startswith(("_", "model_"))))
        return {name: _values(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(name): _values(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_values(one) for one in value]
    return value.value if isinstance(value, Enum) else value


def check_template(text: str) -> str:
    """``text``, if it is a template that can be read.

    Raises:
        ValueError: it is none; says where.

    """
    from jinja2 import TemplateError  # noqa: PLC0415  as above

    try:
        _compiled(text)
    except TemplateError as error:
        raise ValueError(f"is not a template: {error}") from None
    return text


def render_note(template: str, order: CanonicalOrder, standard: str) -> str:
    """Return the note of one sale; the template knows ``sale`` (the canonical order) and ``standard`` (what syncd would say).

    Raises:
        ValueError: the template fails on this sale.

    """
    try:
        return _compiled(template).render(sale=_plain(order), standard=standard)
    except Exception as error:  # noqa: BLE001  whatever a shop's template does, one sale is held and no other suffers
        raise ValueError(f"note_template fails on this sale ({type(error).__name__}: {error})") from None
