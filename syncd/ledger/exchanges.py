"""What an exchange leaves in the ledger when its document changes: returns that it does not bring any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from syncd.canonical import fingerprint
from syncd.canonical.exchanges import part_id
from syncd.canonical.kinds import SaleStatus
from syncd.ledger.sale import Said, Sale, read_document


def parts_gone(
    changed: Sequence[Said], known: Callable[[Sequence[str]], Iterable[Sale]]
) -> Iterator[tuple[Said, Sale]]:
    """Every return that the documents of ``changed`` sales have brought before, as a void: what they still bring, replaces it.

    ``known`` reads sales by key. A return whose document retention has dropped is left alone.
    """
    number = 1
    while changed:
        by_key = {f"{one.order.source}:{part_id(one.order.sale_id, number)}": one for one in changed}
        found = list(known(list(by_key)))
        for part in found:
            before = read_document(part.document)
            if before is not None:
                whole = by_key[part.sale_key]
                dating = {"version": whole.order.version, "updated_at": whole.order.updated_at}
                void = before.model_copy(update={"status": SaleStatus.VOIDED, **dating})
                yield replace(whole, order=void, fingerprint=fingerprint(void)), part
        changed, number = [by_key[part.sale_key] for part in found], number + 1
