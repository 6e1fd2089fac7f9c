"""What a till's words for a way of paying mean, in the languages that tills are used in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from syncd.canonical.kinds import TenderKind

_WORDS: tuple[tuple[TenderKind, tuple[str, ...]], ...] = (
    (
        TenderKind.GIFT_CARD,
        ("gift", "geschenk", "regalo", "cadeau", "presente", "gutschein", "voucher", "vale", "paper"),
    ),
    (TenderKind.LOYALTY, ("reward", "loyalty", "points", "punkte", "puntos", "fidel")),
    (TenderKind.ON_ACCOUNT, ("due", "on account", "debt", "rechnung", "pendiente", "a cuenta", "customer account")),
    (TenderKind.STORE_CREDIT, ("store credit", "credit note", "ewallet", "wallet")),
    (
        TenderKind.CARD,
        (
            "card",
            "karte",
            "tarjeta",
            "carte",
            "carta",
            "cartão",
            "kort",
            "karta",
            "visa",
            "master",
            "amex",
            "debit",
            "credit",
        ),
    ),
    (
        TenderKind.CASH,
        (
            "cash",
            "bargeld",
            "efectivo",
            "espèces",
            "especes",
            "contant",
            "dinheiro",
            "kontant",
            "gotówka",
            "hotovost",
            "tunai",
        ),
    ),
)
_EXACT = {"bar": TenderKind.CASH, "barzahlung": TenderKind.CASH}


def kind_of(label: str, own: Mapping[str, TenderKind]) -> TenderKind:
    """Return the kind of a way of paying by its label; ``own`` are the config's words, which go before ours."""
    said = label.strip().casefold()
    for word, kind in own.items():
        if word.casefold() == said:
            return kind
    return _usual(said)


@lru_cache(maxsize=1024)  # a till has few ways of paying, and asks for each sale
def _usual(said: str) -> TenderKind:
    if said in _EXACT:
        return _EXACT[said]
    return next((kind for kind, words in _WORDS if any(word in said for word in words)), TenderKind.OTHER)
