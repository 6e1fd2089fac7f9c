"""Why sales wait for a person, as data: a code, the words for many of them, what to do, and which decision is advised.

The words of one sale (``why``) carry its parameters: amounts, orders, names. ``reason_of`` finds the code in them, so that a page,
a mail and a command speak of twenty sales that differ by twenty amounts as of one cause. Every reason that the code can give is in
this table (``tests/unit/sale/test_reasons.py`` looks for one that is not).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from msgspec import Struct

from syncd.sale.overrides import Verb
from syncd.sale.sale import Sale
from syncd.sale.states import State


class ReasonKind(Struct, frozen=True):
    """One kind of reason.

    ``many`` heads a list of such sales; ``do`` says what a person does about them, without a command. ``verbs`` are the decisions
    that make sense, the advised one first. ``says`` are the words by which it is known, as regular expressions from their start.
    ``by_words``: its sales wait for different causes, which the words tell apart.
    """

    code: str
    many: str
    do: str
    verbs: tuple[Verb, ...]
    says: tuple[str, ...]
    state: State = State.HELD
    by_words: bool = False


_FIX = (Verb.RETRY, Verb.SKIP)
_JUDGE = (Verb.ACCEPT, Verb.RELEASE)
_PUSH = (Verb.RELEASE, Verb.SKIP)
_BY_HAND = (Verb.SKIP,)

KINDS = (
    # what the sale itself says
    ReasonKind(
        "does_not_add_up",
        "Sales whose parts do not add up to their total",
        "Correct the sale in the POS or its export; or release it, to send it unchanged.",
        _PUSH,
        (
            r"(lines, fees, discounts and rounding|taxes|tenders) come to ",
            r"it has no lines and no total",
            r"its discounts would raise the total",
            r"its tax lies outside its total",
        ),
    ),
    ReasonKind(
        "wrong_time",
        "Sales with an impossible time",
        "Set the till's clock. A sale from the near future is sent once its time has come.",
        _PUSH,
        (r"its time, ",),
    ),
    ReasonKind(
        "other_currency",
        "Sales in a currency that the store does not take",
        "Name another store for the source, or add the currency to the store; then release them.",
        _PUSH,
        (
            r"the sale is in \S+; the store takes ",
            r"\S+ is not a currency",
            r"BigCommerce already has it as order \S+, in ",
        ),
    ),
    ReasonKind(
        "reused_id",
        "Sales under an id that another sale had before",
        "If the POS's database was reset, give the source a new name; if it is the same sale, release it.",
        (Verb.RELEASE, Verb.SKIP),
        (r"looks like a reused id",),
    ),
    ReasonKind(
        "twin",
        "Sales that look like another one under a second id",
        "If it is the same sale, skip it; if both were sold, release it.",
        (Verb.SKIP, Verb.RELEASE),
        (r"possible duplicate of ",),
    ),
    ReasonKind(
        "not_a_sale_any_more",
        "Sales that are open again, or training, and have an order",
        "Void the sale in the POS if nothing was sold; if the order is right, accept it.",
        (Verb.ACCEPT,),
        (r"it is .*, and BigCommerce has order ",),
    ),
    ReasonKind(
        "no_address",
        "Sales to be shipped without an address",
        "Add the address in the POS, or release them to send them as picked up.",
        _PUSH,
        (r"it is to be shipped, and ",),
    ),
    ReasonKind(
        "nothing_sold",
        "Sales without anything that is sold",
        "Look at them in the POS; if nothing was sold, skip them.",
        (Verb.SKIP,),
        (r"it has no line that sells anything",),
    ),
    ReasonKind(
        "unreadable",
        "Sales whose record in the ledger cannot be read",
        "Send them again from the POS, or restore a backup of the ledger.",
        (Verb.RETRY, Verb.SKIP),
        (r".*cannot be read",),
    ),
    ReasonKind(
        "by_a_person", "Sales that a person holds", "Release them when they may go on.", (Verb.RELEASE, Verb.SKIP), ()
    ),
    # goods that come back
    ReasonKind(
        "return_without_sale",
        "Returns that do not say which sale they belong to",
        "Pick the sale that the goods came from. If there is none, skip the return.",
        (Verb.LINK, Verb.SKIP),
        (r"this return does not say which sale it belongs to", r"a return that has no order of its own"),
    ),
    ReasonKind(
        "return_unknown_sale",
        "Returns of a sale that has no order",
        "Refund the original order in BigCommerce by hand, then skip the return.",
        _BY_HAND,
        (r"returns goods of ",),
    ),
    ReasonKind(
        "return_by_hand",
        "Returns and refunds that must be entered by hand",
        "Enter the refund in BigCommerce, then skip the return, or accept the order.",
        (Verb.SKIP, Verb.ACCEPT),
        (
            r"a return that (was voided|sells goods as well)",
            r"a return whose lines do not make up",
            r"it takes goods back and sells others",
            r"it is a return in the POS now, and order ",
        ),
    ),
    ReasonKind(
        "refund_differs",
        "Refunds that differ between the POS and BigCommerce",
        "Compare the refunds of the order in both, then accept it.",
        _JUDGE,
        (
            r"refund \S+ of .* would give back more",
            r"BigCommerce (does not show the refund records|took refund )",
            r"\d+ requests to record refund ",
            r"a refund of .* is recorded ",
            r"refund \S+ is recorded with ",
        ),
    ),
    # the order in BigCommerce
    ReasonKind(
        "total_differs",
        "Orders whose total or tax differs from the sale's",
        "Look at the order in BigCommerce. Accept it as it is, or release the sale to send the amounts again.",
        _JUDGE,
        (r"BigCommerce made it an? ",),
    ),
    ReasonKind(
        "staff_changed_it",
        "Orders that were changed in the POS and in BigCommerce",
        "Change the order in BigCommerce by hand and accept it; or release the sale, to overwrite what staff changed.",
        _JUDGE,
        (
            r"changed in the POS, and a person changed the same",
            r"its lines were changed, and (so was )?order ",
            r"order \d+ was found for it, and ",
            r"BigCommerce already has it as order ",
        ),
    ),
    ReasonKind(
        "order_archived",
        "Sales whose order is archived in BigCommerce",
        "Restore the order in BigCommerce and release the sale; or accept it as it is.",
        (Verb.RELEASE, Verb.ACCEPT, Verb.SKIP),
        (r"changed in the POS, and order \S+ was archived", r"the sale is back in the POS, and order "),
    ),
    ReasonKind(
        "order_gone",
        "Sales whose order was deleted in BigCommerce",
        "If it was deleted on purpose, skip the sale.",
        (Verb.SKIP, Verb.RETRY),
        (r"order \S+ is no longer in BigCommerce",),
        State.REJECTED,
    ),
    ReasonKind(
        "changed_after_skip",
        "Skipped sales that the POS has changed since",
        "Release them to send the change, or accept the order as it is.",
        (Verb.RELEASE, Verb.ACCEPT),
        (r"it was skipped, and the POS has changed it since",),
    ),
    ReasonKind(
        "certificate_sold",
        "Voided sales whose gift certificate stays valid",
        "Disable the certificate in BigCommerce, then release the sale.",
        (Verb.RELEASE,),
        (r"it is voided, and BigCommerce issued a gift certificate",),
    ),
    ReasonKind(
        "in_doubt_too_often",
        "Sales for which several requests got no clear answer",
        "Look in BigCommerce for an order of that time and total. If there is none, release the sale; if there is one, skip it.",
        (Verb.RELEASE, Verb.SKIP),
        (r"\d+ requests to create it ended in doubt",),
    ),
    # the store's checkout
    ReasonKind(
        "checkout_differs",
        "Sales whose total in the store's checkout differs from the till's",
        "Correct what it names and retry; or release the sale, to send the till's amounts by the Orders API.",
        (Verb.RELEASE, Verb.RETRY),
        (
            r"the store makes it ",
            r"it cannot go by the checkout",
            r"the (store's )?checkout ",
            r"BigCommerce fails on this call",
        ),
    ),
    # what BigCommerce refuses
    ReasonKind(
        "stock",
        "Sales that BigCommerce has too few products for",
        "Correct the stock or the limits in BigCommerce, then release them.",
        (Verb.RELEASE, Verb.SKIP),
        (r"BigCommerce takes no such quantity", r"BigCommerce wants to know more"),
    ),
    ReasonKind(
        "refused_by_firewall",
        "Sales that BigCommerce's firewall refuses",
        "Look for what in the sale's texts a firewall may refuse, correct it in the POS, then retry.",
        _FIX,
        (r"BigCommerce, or a firewall before it, refuses",),
        State.REJECTED,
    ),
    ReasonKind(
        "refused",
        "Sales that BigCommerce refused",
        "Correct what it names, in the POS, in BigCommerce or in the rules of the config; then retry.",
        _FIX,
        (r"BigCommerce said \d+",),
        State.REJECTED,
        by_words=True,
    ),
    ReasonKind(
        "unknown_sku",
        "Sales with a SKU that the catalog does not have",
        'Add the product to the catalog, or set unknown_sku = "custom"; then retry.',
        _FIX,
        (r"the catalog has no product for ",),
        State.REJECTED,
    ),
    # syncd and its settings
    ReasonKind(
        "rule_or_hook",
        "Sales that a hook or a template of the config fails on",
        "Correct the hook or the template, then release them.",
        _PUSH,
        (r"the hook ", r"after the hook ", r".*note_template"),
        by_words=True,
    ),
    ReasonKind(
        "syncd_failed",
        "Sales that syncd failed on",
        "Report this with the output of syncd preview. Nothing is lost; the sales are kept.",
        (Verb.RETRY, Verb.SKIP),
        (r"syncd failed to map it", r"its products or its customer cannot be looked up"),
        by_words=True,
    ),
)

POS_REVIEW = ReasonKind(
    "pos_review",
    "Sales that the POS's own data leaves open",
    "Correct the sale in the POS or its export; or release it, to send it unchanged.",
    _PUSH,
    (),
    by_words=True,
)
"""What a reader of the POS holds in words of its own."""
OTHER = ReasonKind(
    "other", "Sales that need a decision", "Look at each sale; its page says what to do.", _PUSH, (), by_words=True
)
IN_DOUBT = ReasonKind(
    "in_doubt",
    "Sales whose last answer from BigCommerce was lost",
    "Nothing to do: syncd looks for their orders automatically.",
    (),
    (),
    State.UNKNOWN,
)
BY_CODE = {kind.code: kind for kind in (*KINDS, POS_REVIEW, OTHER, IN_DOUBT)}


@cache
def _patterns() -> tuple[tuple[ReasonKind, re.Pattern[str]], ...]:
    return tuple((kind, re.compile("|".join(f"(?:{one})" for one in kind.says))) for kind in KINDS if kind.says)


def reason_of(state: State, why: str, *, hold: str = "", by_person: bool = False) -> ReasonKind | None:
    """Return the kind of reason for which a sale waits; None where it waits for nobody.

    ``hold`` is what the source said of it, ``by_person`` whether a person holds it.
    """
    if state is State.UNKNOWN:
        return IN_DOUBT
    if state not in (State.HELD, State.REJECTED):
        return None
    if by_person:
        return BY_CODE["by_a_person"]
    found = next((kind for kind, pattern in _patterns() if pattern.match(why)), None)
    if found is not None and not (hold and why == hold and found.code not in _OF_SOURCES):
        return found
    return POS_REVIEW if hold and why == hold else OTHER


_OF_SOURCES = frozenset({"twin", "does_not_add_up"})
_VARIES = re.compile(r"""[\w.:/-]*\d[\w.,:/-]*|'[^']*'|"[^"]*\"""")
_LONGEST = 120


def group_of(kind: ReasonKind | None, why: str) -> str:
    """Return the name of the group that a sale waits in: the code, with the words where they tell causes apart.

    Amounts, numbers and quoted names are left out of the words.
    """
    if kind is None:
        return ""
    return f"{kind.code}:{_VARIES.sub('#', why)[:_LONGEST]}" if kind.by_words else kind.code


def group_of_sale(sale: Sale, state: State) -> str:
    """Return the name of the group that a sale waits in; empty where it waits for nobody."""
    by_person = state is State.HELD and sale.overrides.of(Verb.HOLD) is not None
    return group_of(reason_of(state, sale.why, hold=sale.source_hold, by_person=by_person), sale.why)


def kind_of_group(group: str) -> ReasonKind:
    """Return the kind of a group, by its name."""
    return BY_CODE.get(group.partition(":")[0], OTHER)


def advised(verbs: Iterable[Verb], allowed: Iterable[Verb]) -> Verb | None:
    """Return the first decision of a reason that can be taken now."""
    able = set(allowed)
    return next((verb for verb in verbs if verb in able), None)
