"""Templates, and the words and numbers in them. Everything is escaped unless it is markup of ours."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from syncd import __version__
from syncd.formatting import ago, count, lasts
from syncd.presentation.numbers import NumberFormat
from syncd.sale.overrides import Verb
from syncd.sale.sale import Sale
from syncd.web.page.context import PageContext
from syncd.web.page.request import HtmlPage, PageRequest

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_MENU = (  # the address, its name, and the key that leads there after g
    ("/", "Overview", "o"),
    ("/sales", "Sales", "s"),
    ("/attention", "Attention", "a"),
    ("/sources", "Sources", "r"),
    ("/stores", "Stores", "t"),
    ("/books", "Books", "k"),
    ("/backfills", "Backfills", "b"),
    ("/log", "Log", "l"),
)
_ASSETS = ("style.css", "page.js", "icon.svg")


@cache
def asset(name: str) -> tuple[bytes, str] | None:
    """Return a file that browsers load, with its kind; None where there is none of that name."""
    if name not in _ASSETS:
        return None
    return files("syncd.web").joinpath("static", name).read_bytes(), _KINDS[name.rpartition(".")[2]]


class Renderer:
    """Turns pages into HTML."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._environment = Environment(
            loader=PackageLoader("syncd.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "money": self._money,
            "amount": self._amount,
            "when": self._when,
            "placed": self._placed,
            "ago": self._ago,
            "lasts": lasts,
            "number": self._number,
            "count": count,
            "plain": _plain,
            "cure": in_words,
        }

    def _money(self, value: Decimal, currency: str) -> str:
        return self._numbers.money(value, currency)

    def _amount(self, value: Decimal, currency: str) -> str:
        return self._numbers.amount(value, currency)

    def _number(self, value: int) -> str:
        return self._numbers.number(value)

    @property
    def _numbers(self) -> NumberFormat:
        return _numbers_of(self._context.app.config.ui.locale)

    def render(self, page: HtmlPage, request: PageRequest) -> str:
        """Return the HTML of a page."""
        here = "/" + request.path.lstrip("/").partition("/")[0]
        here = "/sales" if here == "/sale" else here
        did = request.query.get("did", "")
        common = {
            "ask": request,
            "here": here,
            "menu": _MENU,
            "read_only": self._context.read_only or not request.may_decide,
            "version": __version__,
            "zone": str(self._context.zone_of()),
            "outcome": self._context.flashes.get(did),
            "did": did,
        }
        return self._environment.get_template(page.template).render({**common, **page.context})

    def _when(self, at: datetime | None, source: str | None = None) -> Markup:
        """Return a time as a person reads it, in the source's time zone, with how long ago."""
        if at is None:
            return Markup("never")
        zone: tzinfo = self._context.zone_of(source)
        local, passed = at.astimezone(zone), (self._context.now - at).total_seconds()
        today = self._context.now.astimezone(zone).date()
        shown = f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
        if local.utcoffset() != at.astimezone(self._context.zone_of()).utcoffset():
            shown += f" {local:%Z}"  # the page's own zone stands at its foot
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.isoformat(timespec="seconds"), f"{local:%Y-%m-%d %H:%M:%S %Z}, {ago(passed)}", shown
        )

    def _placed(self, sale: Sale) -> Markup:
        """Return when a sale was placed, in its own zone, which is named: that of its source where it fits, else its offset."""
        zone, here = self._context.zone_of(sale.source), sale.placed_here
        known = sale.document is None or here.utcoffset() == here.astimezone(zone).utcoffset()
        local = sale.placed_at.astimezone(zone) if known else here
        name = f"{zone}" if known else f"UTC{local:%z}"
        shown = f"{local:%Y-%m-%d %H:%M:%S}"
        passed = ago((self._context.now - sale.placed_at).total_seconds())
        return Markup('<time datetime="{}" title="{}">{}</time> <small class="dim">{}</small>').format(
            local.isoformat(timespec="seconds"), passed, shown, name
        )

    def _ago(self, at: datetime | None) -> Markup:
        """How long ago a time is, with the time itself."""
        if at is None:
            return Markup("never")
        local = at.astimezone(self._context.zone_of())
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.isoformat(timespec="seconds"),
            f"{local:%Y-%m-%d %H:%M:%S %Z}",
            ago((self._context.now - at).total_seconds()),
        )


_numbers_of = cache(NumberFormat)


_DECISION = re.compile(rf"\b(then|now)?: syncd ({'|'.join(verb.value for verb in Verb)}) [^\s;]*[^\s;.]")


def in_words(cure: str) -> str:
    """Return a cure with what the page has a button for in words: ``then release it``; other commands stay."""
    return _DECISION.sub(lambda found: f"{found[1]} {found[2]} it" if found[1] else f": {found[2]} it", cure)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
