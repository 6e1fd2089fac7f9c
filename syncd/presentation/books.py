"""An audit's figures as people read them: one table, and a few lines that say whether both sides agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from syncd.app import App
from syncd.canonical.money import format_money, to_minor
from syncd.errors import UsageError
from syncd.formatting import amount, count
from syncd.push.store_orders.audit import AuditFigures, AuditReport, Days, Key, Missing, audit, by_currency

COLUMNS = (
    *(
        "day",
        "location",
        "paid by",
        "currency",
        "sales",
        "gross",
        "refunds",
        "POS",
        "tax",
        "tips",
        "rounding",
        "orders",
    ),
    *("BigCommerce gross", "BigCommerce refunds", "BigCommerce", "BigCommerce tax", "left out", "difference"),
)


def days_asked(first: str, last: str) -> Days:
    """Two days as somebody wrote them.

    Raises:
        UsageError: they are none, or in the wrong order.

    """
    try:
        wanted = Days(date.fromisoformat(first), date.fromisoformat(last))
        wanted.begin  # noqa: B018  a day that has no day before it is none
    except (ValueError, OverflowError):
        raise UsageError(f"{first!r} to {last!r} are not two days", "Write them as 2026-11-23.") from None
    if wanted.last < wanted.first:
        raise UsageError(f"{last} lies before {first}", "Give --from and --to in their order.")
    return wanted


def audit_of(app: App, store: str, days: Days, *, by_card: bool = False) -> AuditReport:
    """Return the report of one store of the config; asks the store.

    Raises:
        RemoteError: it could not be read.

    """
    one = app.stores[store]
    sources = [name for name, till in app.tills.items() if store in till.config.common.all_stores]
    return audit(store, app.ledger, one.orders, one.settings.rules, days, sources, by_card=by_card)


def lines_of(report: AuditReport) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table, as ``COLUMNS``; amounts at their currency's places."""
    for key, row in sorted(report.rows.items(), key=lambda item: item[0]):
        yield (key.day, key.location, key.tender, key.currency, *_figures(key, row))


def _figures(key: Key, row: AuditFigures) -> Iterator[object]:
    def money(value: Decimal) -> Decimal:
        return to_minor(value, key.currency)

    pos, there = row.pos, row.there
    yield pos.number
    yield from map(money, (pos.gross, pos.refunds, pos.net, pos.tax, row.tips, row.rounding))
    yield there.number
    yield from map(money, (there.gross, there.refunds, there.net, there.tax, row.left_out, row.difference))


def summary(name: str, report: AuditReport) -> Iterator[str]:
    """Whether both sides agree, currency by currency, and what is not in BigCommerce."""
    for currency, row in by_currency(report.rows).items():
        pos, there, off = (format_money(one, currency) for one in (row.pos.net, row.there.net, row.difference))
        left_out = f", left out {format_money(row.left_out, currency)}" if row.left_out else ""
        yield f"{name}: POS {pos}, BigCommerce {there}{left_out}, difference {off}"
        for side, of in (("POS", row.pos), ("BigCommerce", row.there)):
            sums = f"gross {amount(of.gross, currency)}, refunds {amount(of.refunds, currency)}"
            beside = [f"tips {amount(row.tips, currency)}"] if row.tips and of is row.pos else []
            beside += [f"rounding {amount(row.rounding, currency)}"] if row.rounding and of is row.pos else []
            yield f"  {side}: {', '.join([sums, f'tax {amount(of.tax, currency)}', *beside])}"
    if not report.rows:
        yield f"{name}: nothing was sold"
    if report.missing:
        yield f"{name}: not in BigCommerce: " + "; ".join(missing_words(*one) for one in sorted(report.missing.items()))
    yield from checkout_words(name, report)
    for source, number in report.unread.items():
        yield (
            f"{name}: {count(number, 'record')} of {source} could not be read: their amounts are in no sum."
            f" Look at them with: syncd faults --source {source}"
        )


def checkout_words(name: str, report: AuditReport) -> Iterator[str]:
    """Yield what the checkout made, and what it has left in the store; nothing where no sale went that way."""
    if report.by_checkout:
        yield f"{name}: {count(report.by_checkout, 'order')} made by the checkout"
    if report.drafts:
        numbers = ", ".join(map(str, report.drafts[:10]))
        yield f"{name}: {count(len(report.drafts), 'draft')} left, which count for nothing: {numbers}"
    if report.carts:
        yield f"{name}: {count(len(report.carts), 'cart')} not deleted yet, of {', '.join(report.carts[:10])}"


def missing_words(reason: str, missing: Missing) -> str:
    """``12 held, 382.80 USD``."""
    sums = ", ".join(format_money(value, currency) for currency, value in sorted(missing.amounts.items()))
    return f"{missing.number:,} {reason}, {sums}"
