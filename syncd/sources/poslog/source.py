"""The POSLog source: a drop folder of XML files, read transaction by transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from lxml import etree
from pydantic import BaseModel

from syncd.canonical import Batch, Fault
from syncd.sources.context import SourceContext
from syncd.sources.files import FileSource, place
from syncd.sources.folder import shown
from syncd.sources.poslog.elements import Element, Node
from syncd.sources.poslog.reading import Voids, read_transaction
from syncd.sources.poslog.settings import PosLogSettings
from syncd.sources.poslog.stream import BrokenFile, is_cut, transactions
from syncd.sources.records import Gathering, ParseResult, tried

_BATCH = 500
_RAW_KEPT = 2000
# What a fault's raw text need not show: drawn signatures, and who is behind a card.
_PRIVATE = re.compile(
    r"<(?:\w+:)?(ElectronicSignature|Authorization|CreditDebit|LoyaltyMembership|Customer)\b.*?</(?:\w+:)?\1>",
    re.DOTALL,
)


class PosLogSource(FileSource):
    """A drop folder of POSLog files."""

    Settings: ClassVar[type[BaseModel]] = PosLogSettings
    SUFFIXES = (".xml",)

    def __init__(self, settings: PosLogSettings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._settings = settings

    def batches(self, path: Path) -> Iterator[Batch]:
        """Yield the file's sales, in batches; one that voids another comes in a batch of its own, once that one is recorded.

        Raises:
            NoSalesFile: it is no POSLog.

        """
        name, made, number = shown(path), Gathering(), 0
        try:
            for number, element in enumerate(transactions(path), start=1):
                found = tried(element, self._read, partial(_spoilt, f"{name}:{number}"))
                if isinstance(found, Voids):
                    yield made.batch(place(path, number))
                    yield Batch((), (), place(path, number), deleted_ids=(found.sale_id,))
                    made = Gathering()
                    continue
                made.add(found)
                if len(made) >= _BATCH:
                    yield made.batch(place(path, number))
                    made = Gathering()
        except OSError as error:
            made.add(Fault(name, f"the file cannot be read: {error.strerror}", ""))
        except BrokenFile as error:
            why = f"after transaction {number} the file can be read no further: {error}"
            made.add(Fault(f"{name}:{number + 1}", why, ""))
        yield made.batch(place(path, number))

    def is_cut(self, path: Path) -> bool:
        """Whether the file does not end with the end of its root."""
        return is_cut(path)

    def _read(self, element: Element) -> ParseResult | Voids:
        return read_transaction(element, self._settings, self._name)


def _spoilt(where: str, element: Element, why: str) -> Fault:
    """Return a transaction that cannot be read, its beginning kept, without signatures and what names a person."""
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    node = Node(element)
    sale = "-".join(filter(None, (node.text("WorkstationID"), node.text("SequenceNumber"))))
    return Fault(where, why, _PRIVATE.sub(r"<\1/>", text)[:_RAW_KEPT], sale)
