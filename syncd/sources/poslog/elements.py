"""Looks into elements by local name, for every vendor has namespaces of its own."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from syncd.sources.records import Unreadable

Element = Any  # lxml's elements


@lru_cache(maxsize=4096)  # a file has some dozens of names, and each of them a thousand times
def local(tag: object) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class Node:
    """An element with its children by local name; looked through once."""

    __slots__ = ("_nodes", "attributes", "element", "kids")

    def __init__(self, element: Element) -> None:
        self.element = element
        self.attributes = {local(name): value.strip() for name, value in element.items()}
        kids: dict[str, list[Element]] = {}
        for child in element:
            kids.setdefault(local(child.tag), []).append(child)
        self.kids = kids
        self._nodes: dict[str, list[Node]] = {}

    def all(self, name: str) -> list[Element]:
        """Return the children of a name."""
        return self.kids.get(name, [])

    def nodes(self, *names: str) -> Iterator[Node]:
        """Yield the children of some names, with theirs."""
        for name in names:
            if name in self.kids:
                yield from self._of(name)

    def node(self, name: str) -> Node | None:
        """Return the first child of a name."""
        return self._of(name)[0] if name in self.kids else None

    def _of(self, name: str) -> list[Node]:
        found = self._nodes.get(name)
        if found is None:
            found = self._nodes[name] = [Node(child) for child in self.kids[name]]
        return found

    def text(self, *names: str) -> str:
        """Return the text of the first child of these names that has one."""
        for name in names:
            for child in self.kids.get(name, ()):
                if said := (child.text or "").strip():
                    return said
        return ""

    def amount(self, *names: str) -> Decimal | None:
        """Return the number in the first child of these names that holds one.

        Raises:
            Unreadable: it holds something else.

        """
        for name in names:
            for child in self.kids.get(name, ()):
                if said := (child.text or "").strip():
                    return number(said, name)
        return None

    def said(self, name: str) -> str:
        """Return an attribute by its local name, whatever its namespace."""
        found: str = self.attributes.get(name, "")
        return found

    def is_true(self, name: str) -> bool:
        """Whether an attribute, or else a child, says yes."""
        said = self.attributes.get(name) or (self.text(name) if name in self.kids else "")
        return said.lower() in ("true", "1")


def attribute(element: Element, name: str) -> str:
    """Return an attribute by its local name, whatever its namespace."""
    plain = element.get(name)
    if plain is not None:
        return str(plain).strip()
    return next((str(value).strip() for key, value in element.attrib.items() if local(key) == name), "")


def number(said: str, name: str) -> Decimal:
    """Return a number.

    Raises:
        Unreadable: it is none.

    """
    try:
        found = Decimal(said)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        msg = f"{name} is no number: {said[:40]!r}"
        raise Unreadable(msg)
    return found
