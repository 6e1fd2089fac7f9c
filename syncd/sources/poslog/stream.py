"""Transactions out of a POSLog file, one after another, whatever its size; nothing that XML can do to a reader is let through.

No document type (so no entities), no network, and between two transactions no more than so many bytes: that bounds depth,
attributes, texts and whatever else a hostile file piles up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from syncd.sources.files import NoSalesFile

LARGEST_TRANSACTION = 4 * 1024 * 1024
_HEAD = 64 * 1024
_ASIDE = re.compile(r"<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ROOT = re.compile(r"<([A-Za-z_][\w:.-]*)")
_END = re.compile(r"</([A-Za-z_][\w:.-]*)\s*>\s*$")

Element = Any  # lxml's elements


class BrokenFile(Exception):
    """The file breaks off, or goes on as something that is no XML; what came before it is whole."""


def transactions(path: Path) -> Iterator[Element]:
    """Each ``Transaction`` of the file, in whatever namespace; it is gone once the next one is asked for.

    Raises:
        NoSalesFile: it is no XML, declares a document type, or holds no transaction.
        BrokenFile: it can be read no further.

    """
    _look_at_head(path)
    found = 0
    with path.open("rb") as file:
        bounded = _Bounded(file)
        try:
            walk = etree.iterparse(
                bounded,
                events=("start", "end"),
                tag="{*}Transaction",
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
            depth = 0
            for event, element in walk:
                depth += 1 if event == "start" else -1
                if event == "end" and depth == 0:
                    bounded.since = 0
                    found += 1
                    yield element
                    _forget(element)
        except etree.XMLSyntaxError as error:
            why = " ".join(str(error.msg or error).split())[:200]
            if found:
                raise BrokenFile(why) from None
            raise NoSalesFile(f"it is no XML that can be read: {why}") from None
        except _TooMuch as error:
            if found:
                raise BrokenFile(str(error)) from None
            raise NoSalesFile(str(error)) from None
    if not found:
        raise NoSalesFile("it holds no Transaction: is it a POSLog?")


def is_cut(path: Path) -> bool:
    """Whether the file does not end with the end of what it begins with."""
    try:
        root = _ROOT.search(_ASIDE.sub("", _text_of(path, 0, _HEAD)))
        size = path.stat().st_size
        end = _END.search(_text_of(path, max(0, size - 1024), 1024))
    except OSError:
        return False  # reading it will say so
    return root is not None and (end is None or end[1] != root[1])


def _look_at_head(path: Path) -> None:
    head = _ASIDE.sub("", _text_of(path, 0, _HEAD))
    root = _ROOT.search(head)
    if root is None:
        raise NoSalesFile("it is no XML: it has no element")
    if "<!DOCTYPE" in head[: root.start()].upper() or "<!ENTITY" in head[: root.start()].upper():
        raise NoSalesFile("it declares a document type, which a POSLog does not need and which is not read")


def _text_of(path: Path, begin: int, count: int) -> str:
    """Decode some bytes, whatever their encoding: names of elements are ASCII in all that matters here."""
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(count).replace(b"\x00", b"").decode("latin-1")


def _forget(element: Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


class _TooMuch(Exception):
    """More bytes than a transaction may have."""


class _Bounded:
    """The file as the parser reads it, with a bound on what lies between two transactions."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.since = 0

    def read(self, count: int) -> bytes:
        """Return the next bytes."""
        part = self._file.read(min(count, 32 * 1024) if count > 0 else 32 * 1024)
        self.since += len(part)
        if self.since > LARGEST_TRANSACTION:
            what = f"it holds more than {LARGEST_TRANSACTION >> 20} MB without the end of a transaction"
            raise _TooMuch(what)
        return part
