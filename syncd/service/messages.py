"""What people read in a mail or a chat: what is new, what is over, and how a day went; as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape

from msgspec import Struct

from syncd.app import App
from syncd.canonical.money import format_money
from syncd.formatting import count
from syncd.ledger import Alert, Untold
from syncd.service.delivery import Message
from syncd.service.needs import alerts_words, all_well, by_kind, needs_of, place_of
from syncd.service.overview import SystemOverview

_LONGEST_TITLE = 150


class MessageItem(Struct, frozen=True):
    """One paragraph: what is wrong, what to do, and where to look."""

    words: str
    cure: str = ""
    link: str = ""


def message_of(untold: Untold, url: str | None = None) -> Message:
    """One message for everything that is new or over; many of one kind are counted, not listed. ``url`` is the page's own."""
    new, over = [alert for _, alert in untold.new], [alert for _, alert in untold.over]
    items = [*_items(new, url), *(MessageItem(f"Over: {item.words}") for item in _items(over, None))]
    first = new[0] if new else over[0]
    more = len(items) - 1 if len(new) + len(over) > 1 else 0
    title = f"syncd: {'' if new else 'over: '}{first.words}"[:_LONGEST_TITLE]
    return _message(title + (f" (and {more} more)" if more > 0 else ""), "", items, url)


def _items(some: Sequence[Alert], url: str | None) -> Iterator[MessageItem]:
    for alike in by_kind(some):
        yield MessageItem(alerts_words(alike), alike[0].cure, _link(url, place_of(alike[0])))


def _link(url: str | None, place: str) -> str:
    return f"{url.rstrip('/')}{place}" if url and place else ""


def digest_of(app: App, today: date) -> Message:
    """Return what became of yesterday's sales, source by source, and what needs attention, as the page says it."""
    day = today - timedelta(days=1)
    lines, agree = list[str](), True
    for source in app.tills:
        for sides in app.ledger.overviews.sides(source, day):
            sold, made, off = (
                format_money(total, sides.currency) for total in (sides.pos_total, sides.order_total, sides.difference)
            )
            missing = f"; {count(sides.missing, 'sale')} not in BigCommerce" if sides.missing else ""
            lines.append(
                f"{source}: {count(sides.sales, 'sale')}, {sold}; {count(sides.orders, 'order')}, {made};"
                f" difference {off}{missing}"
            )
            agree = agree and sides.agree
    needs = [need for need in needs_of(SystemOverview.of(app)) if need.level != "note"]
    well = all_well(needs) and agree
    url = app.config.web.url
    items = [MessageItem(need.words, need.full_cure, _link(url, need.place)) for need in needs]
    intro = "\n".join(lines or ["No sales received."])
    return _message(f"syncd, {_day(day)}: {'all well' if well else 'needs attention'}", intro, items, url)


def _day(day: date) -> str:
    """``27 Nov``."""
    return f"{day.day} {day:%b}"


def _message(title: str, intro: str, items: Sequence[MessageItem], url: str | None) -> Message:
    lines = [intro] if intro else []
    lines += ["\n  ".join(part for part in (item.words, item.cure, item.link) if part) for item in items]
    if url and not any(item.link for item in items):
        lines.append(url)
    return Message(title, "\n".join(lines), _html(intro, items, url))


def _html(intro: str, items: Sequence[MessageItem], url: str | None) -> str:
    """Return the same as HTML; every text is escaped, for names and notes of a till are in it."""
    parts = [f"<p>{'<br>'.join(escape(line) for line in intro.splitlines())}</p>"] if intro else []
    for item in items:
        words = f"<b>{escape(item.words)}</b>"
        cure = f"<br>{escape(item.cure)}" if item.cure else ""
        link = f'<br><a href="{escape(item.link)}">Show it</a>' if item.link else ""
        parts.append(f"<p>{words}{cure}{link}</p>")
    if url:
        parts.append(f'<p><a href="{escape(url)}">Open syncd</a></p>')
    return "\n".join(parts)
