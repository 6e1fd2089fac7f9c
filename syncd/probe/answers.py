"""The answers of trial stores, as the ledger keeps them, and the settings that follow from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import asdict

from syncd.ledger import Ledger

QUESTIONS: Mapping[str, str] = {
    "key length": "how many characters of external_order_id a store keeps",
    "list delay": "how long it takes until lists show a new order",
    "key filter": "what the list by external_order_id lets through",
    "list order": "whether lists keep to the order and the page length that are asked for",
    "long page": "what a page length above 250 answers",
    "own currency": "whether default_currency_code is taken where it is the store's own",
    "unknown field": "what becomes of a field that no order has",
    "date": "whether a PUT moves date_created",
    "time zone": "how a date with an offset is kept",
    "totals": "what a PUT of an address alone does to totals that were given",
    "removed line": "what quantity 0 makes of a line",
    "negative line": "whether a line of quantity -1 is taken",
    "refund ways": "the ways in which a refund is offered, in their order",
    "refund record": "what a refund record makes of its order",
    "refund list": "whether the refunds of all orders are listed",
    "archived order": "what a GET of an archived order answers, and whether lists hold it",
    "stock": "how a product is refused that there is too little of",
    "rate limit": "what the answer to too many requests looks like",
}
"""Every question, in the order in which they are asked.

Source of the list: what BigCommerce's reference leaves open about https://developer.bigcommerce.com/docs/rest-management/orders
"""


class ProbeAnswer(Struct, frozen=True):
    """What a store answered to a question, and what that means for syncd, in words.

    ``facts`` are the numbers and switches that ``learned`` reads: ``key_length``, ``filter_trusted``, ``delay_s``.
    """

    question: str
    answer: str
    means: str
    facts: Mapping[str, float] = field(default_factory=dict)
    store: str = ""
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


class Learned(Struct, frozen=True):
    """What the answers of trial stores change: the length of keys, whether the key filter is believed, how late lists are."""

    key_length: int | None = None
    filter_trusted: bool = True
    delay: timedelta = timedelta()


def keep(ledger: Ledger, answer: ProbeAnswer) -> None:
    """Keep an answer, over an earlier one of the same store to the same question."""
    text = json.dumps(asdict(answer) | {"at": answer.at.isoformat()})
    ledger.state.put("probe", {answer.question: text}, answer.store)


def kept(ledger: Ledger, stores: Iterable[str]) -> dict[str, ProbeAnswer]:
    """Return the newest answer of any of ``stores`` to each question, by question, in their order."""
    found: dict[str, ProbeAnswer] = {}
    for store in stores:
        for text in ledger.state.get("probe", list(QUESTIONS), store).values():
            answer = _read(text)
            before = found.get(answer.question)
            if before is None or before.at < answer.at:
                found[answer.question] = answer
    return {question: found[question] for question in QUESTIONS if question in found}


def _read(text: str) -> ProbeAnswer:
    said = json.loads(text)
    return ProbeAnswer(**said | {"at": datetime.fromisoformat(said["at"])})


def learned(answers: Mapping[str, ProbeAnswer]) -> Learned:
    """Return what follows from answers. Pure."""
    facts = {name: value for answer in answers.values() for name, value in answer.facts.items()}
    length = facts.get("key_length")
    return Learned(
        key_length=int(length) if length else None,
        filter_trusted=bool(facts.get("filter_trusted", True)),
        delay=timedelta(seconds=facts.get("delay_s", 0.0)),
    )
