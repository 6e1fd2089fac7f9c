"""What the words of a status, or of a kind of row, mean, in the languages of tills. Pure.

A word that is not known means nothing: the sale is held, and ``status_words`` of the config says what it means.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from syncd.sources.csv.plain import plain

State = Literal["completed", "open", "voided", "refunded", "partially_refunded"]
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d"})
_STATES: Mapping[State, tuple[str, ...]] = {
    "completed": (
        *(
            "complete",
            "completed",
            "closed",
            "paid",
            "done",
            "finished",
            "success",
            "successful",
            "succeeded",
            "approved",
        ),
        *("captured", "settled", "ok", "sale", "sold", "fulfilled", "finalized", "finalised", "accepted", "confirmed"),
        *("abgeschlossen", "bezahlt", "erledigt", "erfolgreich", "verkauft", "fertig"),
        *(
            "completado",
            "completada",
            "pagado",
            "pagada",
            "cerrado",
            "cerrada",
            "exitoso",
            "exitosa",
            "aprobado",
            "aprobada",
        ),
        *(
            "paye",
            "payee",
            "termine",
            "terminee",
            "regle",
            "reglee",
            "cloture",
            "cloturee",
            "reussi",
            "reussie",
            "valide",
        ),
        *("pagato", "pagata", "completato", "completata", "chiuso", "chiusa", "riuscito", "approvato"),
        *("betaald", "voltooid", "afgerond", "geslaagd", "gesloten"),
        *("pago", "paga", "concluido", "concluida", "finalizado", "finalizada", "aprovado", "aprovada", "fechado"),
        *(
            "betald",
            "slutford",
            "klar",
            "godkand",
            "lyckad",
            "betalt",
            "fullfort",
            "fuldfort",
            "gennemfort",
            "godkendt",
        ),
        *("oplacone", "zakonczone", "zaplacono", "zaplaceno", "dokonceno", "maksettu", "valmis", "oplaceno"),
    ),
    "voided": (
        *("void", "voided", "cancelled", "canceled", "deleted", "failed", "failure", "declined", "rejected", "error"),
        *("reversed", "removed", "aborted", "expired", "unsuccessful", "denied"),
        *("storno", "storniert", "abgebrochen", "annulliert", "geloscht", "fehlgeschlagen", "abgelehnt", "gescheitert"),
        *("anulado", "anulada", "cancelado", "cancelada", "fallido", "fallida", "rechazado", "rechazada", "eliminado"),
        *("annule", "annulee", "echoue", "echouee", "refuse", "refusee", "supprime", "supprimee", "echec"),
        *("annullato", "annullata", "fallito", "fallita", "rifiutato", "rifiutata", "eliminato", "stornato"),
        *("geannuleerd", "mislukt", "geweigerd", "verwijderd", "afgebroken"),
        *("recusado", "recusada", "falhou", "falha", "excluido", "estornado"),
        *("annullerad", "makulerad", "misslyckad", "misslyckades", "avbruten", "nekad", "raderad"),
        *(
            "annulleret",
            "mislykket",
            "mislykkedes",
            "afvist",
            "slettet",
            "kansellert",
            "avvist",
            "mislyktes",
            "avbrutt",
        ),
        *("anulowane", "anulowano", "odrzucone", "zruseno", "peruttu", "hylatty"),
    ),
    "open": (
        *(
            "open",
            "pending",
            "parked",
            "hold",
            "on hold",
            "held",
            "unpaid",
            "quote",
            "draft",
            "layby",
            "lay by",
            "layaway",
        ),
        *(
            "saved",
            "awaiting capture",
            "awaiting payment",
            "awaiting",
            "authorized",
            "authorised",
            "in progress",
            "processing",
        ),
        *("partially paid", "part paid", "deposit", "booked", "preauthorized", "incomplete", "suspended", "new"),
        *("offen", "ausstehend", "geparkt", "unbezahlt", "in bearbeitung", "teilweise bezahlt", "entwurf", "angebot"),
        *("pendiente", "abierto", "abierta", "en espera", "sin pagar", "en proceso", "borrador", "impago"),
        *("en attente", "ouvert", "ouverte", "impaye", "impayee", "en cours", "brouillon", "devis"),
        *("in attesa", "aperto", "aperta", "non pagato", "sospeso", "bozza", "preventivo"),
        *("openstaand", "in behandeling", "onbetaald", "geparkeerd", "concept", "offerte"),
        *("pendente", "aberto", "aberta", "em aberto", "nao pago", "rascunho", "em espera"),
        *(
            "oppen",
            "vantande",
            "obetald",
            "pagaende",
            "afventer",
            "aben",
            "ubetalt",
            "venter",
            "apen",
            "avoin",
            "odottaa",
        ),
    ),
    "refunded": (
        *(
            "refunded",
            "returned",
            "fully refunded",
            "erstattet",
            "zuruckgegeben",
            "reembolsado",
            "reembolsada",
            "devuelto",
        ),
        *(
            "rembourse",
            "remboursee",
            "rimborsato",
            "rimborsata",
            "terugbetaald",
            "devolvido",
            "aterbetald",
            "refunderet",
        ),
        *("refundert", "zwrocono", "palautettu"),
    ),
    "partially_refunded": (
        *("partially refunded", "partly refunded", "part refunded", "teilweise erstattet", "parcialmente reembolsado"),
        *("partiellement rembourse", "rimborsato parzialmente", "gedeeltelijk terugbetaald", "delvis aterbetald"),
    ),
}
_REFUND = frozenset(
    (
        *(
            "refund",
            "refunds",
            "return",
            "returns",
            "refunded",
            "returned",
            "credit",
            "credit note",
            "reversal",
            "chargeback",
            "refusion",
        ),
        *("ruckerstattung", "erstattung", "ruckgabe", "retoure", "gutschrift", "rucknahme"),
        *("reembolso", "devolucion", "abono", "nota de credito", "remboursement", "retour", "avoir"),
        *("rimborso", "reso", "nota di credito", "terugbetaling", "retournering", "creditnota"),
        *(
            "devolucao",
            "estorno",
            "aterbetalning",
            "retur",
            "kreditering",
            "tilbagebetaling",
            "refundering",
            "tilbakebetaling",
        ),
        *("zwrot", "vraceni", "vratka", "palautus", "hyvitys"),
    )
)
_SALE = frozenset(
    (
        *("sale", "sales", "purchase", "payment", "order", "receipt", "sell", "charge", "transaction", "pos sale"),
        *("verkauf", "zahlung", "kauf", "umsatz", "venta", "compra", "pago", "vente", "paiement", "achat", "vendita"),
        *("acquisto", "pagamento", "verkoop", "betaling", "venda", "compra", "forsaljning", "kop", "betalning", "salg"),
        *("kob", "kjop", "sprzedaz", "platnosc", "prodej", "platba", "myynti", "osto"),
    )
)
_KNOWN = {word: state for state, words in _STATES.items() for word in words}


@lru_cache(maxsize=2048)  # a till has few words, and each sale one of them
def bare(word: str) -> str:
    """Return a word as it is compared: without accents, marks and capitals."""
    spread = unicodedata.normalize("NFKD", plain(word).casefold().translate(_LETTERS))
    letters = "".join(char for char in spread if not unicodedata.combining(char))
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())


def state_of(word: str, told: Mapping[str, State]) -> State | None:
    """Return what a status means: as ``told`` by the config, else as tills use the word; None where the word is not known."""
    said = bare(word) if word else ""
    if not said:
        return "completed"
    by_config: dict[str, State] = {bare(name): state for name, state in told.items()}
    return by_config.get(said) or _KNOWN.get(said)


def is_refund(word: str) -> bool | None:
    """Whether a row's kind means that goods or money came back; None where the word is not known, or says nothing."""
    said = bare(word) if word else ""
    return True if said in _REFUND else False if said in _SALE else None


def unknown_state(word: str) -> str:
    """Why a sale is held whose status is not known."""
    said = word[:40]
    return f'its status {said!r} is not known: say what it means, status_words = {{ "{said}" = "completed" }} (or voided, open)'
