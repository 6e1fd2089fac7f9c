"""Decide which of two versions of a sale counts (the table in docs/states.md), and sort a batch by that. Pure.

A till's exports, pages and webhooks repeat themselves and overtake each other. What dates a version, in this order: the POS's own
version number; its time of change; else when the statement was made (a file's own time, or when the POS was asked).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.canonical.batch import Batch
from syncd.canonical.exchanges import part_id
from syncd.canonical.fingerprint import fingerprint_of, is_same_sale
from syncd.canonical.kinds import SaleStatus
from syncd.errors import LedgerError
from syncd.sale.overrides import Verb
from syncd.sale.sale import Dating, IncomingVersion, Sale, read_document


class VersionOrder(StrEnum):
    """How an incoming version compares with the known one."""

    NEWER = "newer"  # it counts from now on
    OLDER = "older"  # it is left alone
    UNCLEAR = "unclear"  # nothing tells: it is held, and a person decides


def order_of(new: Dating, known: Dating, said_before: Callable[[], bool]) -> VersionOrder:
    """Compare two versions that differ.

    ``said_before`` tells whether the sale has said exactly this earlier; it is asked only where the answer matters.
    """
    if new.version and known.version and new.version.isdigit() and known.version.isdigit():
        ours, theirs = int(new.version), int(known.version)
        if ours != theirs:
            return VersionOrder.NEWER if ours > theirs else VersionOrder.OLDER
    for at, known_at, repeated in (
        (new.updated_at, known.updated_at, VersionOrder.OLDER),
        (new.stated_at, known.stated_at, VersionOrder.UNCLEAR),
    ):
        if at is not None and known_at is not None:
            if at != known_at:
                return VersionOrder.NEWER if at > known_at else VersionOrder.OLDER
            return repeated if said_before() else VersionOrder.NEWER
    return VersionOrder.UNCLEAR if said_before() else VersionOrder.NEWER


def is_later(new: Dating, known: Dating) -> bool:
    """Whether an equal version was stated later: the latest time is kept even where nothing changed."""
    return order_of(new, known, lambda: True) is VersionOrder.NEWER


def latest(new: Dating, known: Dating) -> Dating:
    """Return the later time of each kind, for two equal versions."""
    updated, stated = (
        max((at for at in pair if at is not None), default=None)
        for pair in ((new.updated_at, known.updated_at), (new.stated_at, known.stated_at))
    )
    return Dating(new.version or known.version, updated, stated)


def parts_gone(
    changed: Sequence[IncomingVersion], known: Callable[[Sequence[str]], Iterable[Sale]]
) -> Iterator[tuple[IncomingVersion, Sale]]:
    """Yield a void for every return that the documents of ``changed`` sales brought before; what they still bring replaces it.

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
                document = void.to_json()
                yield replace(whole, order=void, document=document, fingerprint=fingerprint_of(document)), part
        changed, number = [by_key[part.sale_key] for part in found], number + 1


def newest(batch: Batch, stated_at: datetime | None) -> dict[str, IncomingVersion]:
    """Return one version a sale, by key: of two in the batch the newer, else the last."""
    said: dict[str, IncomingVersion] = {}
    for order in batch.orders:
        before = said.get(order.sale_key)
        hold, by_file = batch.review_reasons.get(order.sale_id, ""), batch.stated_at is not None
        document = order.to_json()
        one = IncomingVersion(
            order,
            fingerprint_of(document),
            hold=hold,
            stated_at=stated_at,
            stated_by_file=by_file,
            document=document,
        )
        if before is None or order_of(one.dating, before.dating, lambda: False) is not VersionOrder.OLDER:
            said[order.sale_key] = one
    return said


class Versions(Struct, frozen=True):
    """The versions of a batch by what is to be done with them; all but the new ones carry the sale as the ledger knows it.

    ``same`` say what the ledger knows already, ``read_anew`` say it in other words (see ``is_read_anew``).
    """

    new: list[IncomingVersion] = field(default_factory=list)
    changed: list[IncomingVersion] = field(default_factory=list)
    read_anew: list[IncomingVersion] = field(default_factory=list)
    older: list[IncomingVersion] = field(default_factory=list)
    same: list[IncomingVersion] = field(default_factory=list)


def sort_versions(
    said: Iterable[IncomingVersion],
    known: Mapping[str, Sale],
    said_before: Callable[[IncomingVersion], bool],
    reader: str,
) -> Versions:
    """Sort versions by what is to be done with them.

    Args:
        said: what a batch says, a version a sale.
        known: the sales that the ledger has, by key.
        said_before: whether the sale has said exactly this earlier; asked only where the answer matters.
        reader: the version of syncd that has read them.

    """
    found = Versions()
    for one in said:
        if (before := known.get(one.order.sale_key)) is None:
            found.new.append(one)
            continue
        version = replace(one, before=before)
        if not says_more(one, before) and not is_set_aside(before):
            found.same.append(version)
        elif is_read_anew(one, before, reader):
            found.read_anew.append(version)
        elif (order := _order(version, before, said_before)) is VersionOrder.OLDER:
            found.older.append(version)
        else:
            found.changed.append(replace(version, hold=UNCLEAR) if order is VersionOrder.UNCLEAR else version)
    return found


def says_more(one: IncomingVersion, before: Sale) -> bool:
    """Whether a version says something else than its sale, or its source holds it for another reason."""
    return (one.fingerprint, one.hold) != (before.fingerprint, before.source_hold)


UNCLEAR = "the POS sent an earlier version of this sale again, and nothing shows which one is newer"


def _order(one: IncomingVersion, before: Sale, said_before: Callable[[IncomingVersion], bool]) -> VersionOrder:
    if one.fingerprint == before.fingerprint:
        return (
            VersionOrder.OLDER
            if before.source_hold == UNCLEAR and not is_later(one.dating, before.dating)
            else VersionOrder.NEWER
        )
    return order_of(one.dating, before.dating, lambda: said_before(one))


def is_set_aside(sale: Sale) -> bool:
    """Whether a sale was left out with its backfill."""
    return sale.overrides.of(Verb.ASIDE) is not None


def is_read_anew(one: IncomingVersion, before: Sale, reader: str) -> bool:
    """Whether only syncd changed: the same sale, read by another release that fingerprints it differently or fills more fields."""
    if one.hold != before.source_hold:
        return False
    other_print = before.fingerprint[:1] != one.fingerprint[:1]
    if not other_print and before.read_by in (None, reader):
        return False
    if before.document is None:  # dropped by retention: what is left of it decides
        said = (one.order.total_inc_tax, one.order.total_tax, one.order.currency, one.order.placed_at)
        return said == (before.total_inc_tax, before.total_tax, before.currency, before.placed_at)
    try:
        return is_same_sale(before.order(), one.order)
    except LedgerError:
        return False


def later_dating(one: IncomingVersion) -> Dating | None:
    """Return the dating of an equal version where it is later than the known one, so that a late arrival from before is older."""
    before = one.before
    if before is None or one.fingerprint != before.fingerprint:
        return None
    new = one.dating if one.stated_by_file else replace(one.dating, stated_at=None)
    return latest(new, before.dating) if is_later(new, before.dating) else None


def with_fingerprint(sale: Sale, mark: str) -> Sale:
    """Give a sale's present version another fingerprint, wherever the old one is named."""
    old, belief, objection = sale.fingerprint, sale.belief, sale.objection
    return replace(
        sale,
        fingerprint=mark,
        belief=replace(belief, confirmed_version=mark) if belief.confirmed_version == old else belief,
        objection=replace(objection, fingerprint=mark) if objection and objection.fingerprint == old else objection,
        overrides=sale.overrides.renamed(old, mark),
    )
