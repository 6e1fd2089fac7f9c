"""What orders name and do not say: SKUs, payments, customers and staff, looked up for a page of orders at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from syncd.clock import Clock
from syncd.sources.cloud import NameCache
from syncd.sources.records import Document, moment
from syncd.sources.square.api import SquareApi
from syncd.sources.square.reading import SquareLocation, SquareReferenceData
from syncd.sources.square.settings import SquareSettings

_BESIDE = timedelta(minutes=10)
_ONE_BY_ONE = 20


class Lookups:
    """Look-ups over one account; SKUs and names are kept for a quarter of an hour."""

    def __init__(self, api: SquareApi, settings: SquareSettings, clock: Clock) -> None:
        self._api, self._settings = api, settings
        self._variations = NameCache[str, Document](clock, api.variations, {})
        self._team = NameCache[str, str](clock, lambda _: api.team(), "")

    def around(self, page: Sequence[Document], places: Mapping[str, SquareLocation]) -> SquareReferenceData:
        """Return what is known beside a page of orders.

        Raises:
            SourceError: Square cannot be asked, or does not allow what the settings want.

        """
        payments = self._payments(page) if self._settings.staff else {}
        team = self._names(payments.values())
        return SquareReferenceData(places, self._skus(page), payments, self._customers(page), team)

    def _skus(self, page: Sequence[Document]) -> Mapping[str, Document]:
        if not self._settings.skus:
            return {}
        return self._variations.of(str(item.get("catalog_object_id") or "") for item in _items(page))

    def _customers(self, page: Sequence[Document]) -> Mapping[str, Document]:
        named = sorted({str(order["customer_id"]) for order in page if order.get("customer_id")})
        return self._api.customers(named) if named and self._settings.customers else {}

    def _names(self, payments: Iterable[Document]) -> Mapping[str, str]:
        return self._team.of(str(one.get("team_member_id") or "") for one in payments)

    def _payments(self, page: Sequence[Document]) -> dict[str, Document]:
        """Return the payments of a page: listed where they are of the days that it spans, the others one by one."""
        found: dict[str, Document] = {}
        wanted: dict[str, list[tuple[str, datetime]]] = {}
        for order in page:
            for tender in order.get("tenders") or ():
                number, at = tender.get("payment_id") or tender.get("id"), moment(tender.get("created_at"))
                if number and at and tender.get("type") != "NO_SALE":
                    wanted.setdefault(str(order.get("location_id")), []).append((str(number), at))
        for place, named in wanted.items():
            found |= self._listed(place, named)
        return found

    def _listed(self, place: str, named: Sequence[tuple[str, datetime]]) -> dict[str, Document]:
        if len(named) <= _ONE_BY_ONE:
            return self._one_by_one([number for number, _ in named])
        times = sorted(at for _, at in named)
        begin, end = times[len(times) // 20] - _BESIDE, times[-1] + _BESIDE  # a few old ones would make the span long
        numbers = {number for number, _ in named}
        found = {str(one["id"]): one for one in self._api.payments(place, begin, end) if str(one.get("id")) in numbers}
        return found | self._one_by_one(sorted(numbers - found.keys())[: len(named)])

    def _one_by_one(self, numbers: Sequence[str]) -> dict[str, Document]:
        asked = {number: self._api.payment(number) for number in numbers}
        return {number: one for number, one in asked.items() if one is not None}


def _items(page: Sequence[Document]) -> Iterable[Document]:
    for order in page:
        yield from order.get("line_items") or ()
        for back in order.get("returns") or ():
            yield from back.get("return_line_items") or ()
