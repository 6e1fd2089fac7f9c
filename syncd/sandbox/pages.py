"""A page to look at: the store's orders, and one order. Plain HTML, no scripts, every name escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from syncd.sandbox.answers import Answer
from syncd.sandbox.orders import Orders, StoredOrder

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
small, .dim { opacity: .65; }
pre { white-space: pre-wrap; }
"""
_SHOWN = 500


def index(orders: Orders) -> Answer:
    """Return the newest orders."""
    newest = sorted(orders.kept.values(), key=lambda kept: -kept.order["id"])[:_SHOWN]
    head = "<tr><th class=n>Order</th><th>Sale</th><th>Date</th><th>Status</th><th>Customer</th><th>Paid by</th>"
    head += "<th class=n>Lines</th><th class=n>Tax</th><th class=n>Total</th></tr>"
    body = f"<h1>Sandbox store</h1><p>{len(orders.kept)} orders, newest first.</p><table>{head}{''.join(map(_row, newest))}</table>"
    return page("Sandbox store", body)


def street(stores: Sequence[tuple[str, int]], number: int) -> Answer:
    """Return the stores that were asked for something, each by its hash with how many orders it has."""
    rows = "".join(
        f'<tr><td><a href="/at/{escape(store)}/">{escape(store)}</a></td><td class=n>{orders:,}</td></tr>'
        for store, orders in sorted(stores, key=lambda one: (-one[1], one[0]))[:_SHOWN]
    )
    body = f"<h1>Sandbox stores</h1><p>{number:,} stores, {sum(n for _, n in stores):,} orders in all.</p>"
    return page("Sandbox stores", f"{body}<table><tr><th>Store</th><th class=n>Orders</th></tr>{rows}</table>")


def _row(kept: StoredOrder) -> str:
    order = kept.order
    person = order["billing_address"]
    cells = (
        f'<td class=n><a href="orders/{order["id"]}">{order["id"]}</a></td>',
        f"<td>{escape(str(order['external_order_id'] or ''))}<br><small>{escape(str(order['external_source'] or ''))}</small></td>",
        f"<td>{escape(order['date_created'])}</td>",
        f"<td>{escape(order['status'])}{' <small>archived</small>' if order['is_deleted'] else ''}</td>",
        f"<td>{escape(_name(person))}</td>",
        f"<td>{escape(str(order['payment_method']))}</td>",
        f"<td class=n>{len(kept.lines)}</td>",
        f"<td class=n>{_money(order, 'total_tax')}</td>",
        f"<td class=n>{_money(order, 'total_inc_tax')}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def one(kept: StoredOrder) -> Answer:
    """One order with its lines, fees and notes."""
    order = kept.order
    lines = "".join(_line(line) for line in kept.lines)
    fees = "".join(
        f"<li>{escape(fee['display_name_customer'])}: {escape(fee['cost_inc_tax'])}</li>" for fee in kept.fees
    )
    facts = _facts(
        order, ("external_order_id", "external_source", "date_created", "status", "payment_method", "customer_id")
    )
    sums = _facts(order, ("subtotal_inc_tax", "shipping_cost_inc_tax", "discount_amount", "total_tax", "total_inc_tax"))
    body = (
        f"<p><a href='../'>All orders</a></p><h1>Order {order['id']}</h1>{facts}<h2>Lines</h2>"
        f"<table><tr><th>Name</th><th>SKU</th><th>Kind</th><th class=n>Quantity</th><th class=n>Total</th></tr>{lines}</table>"
        f"<h2>Fees</h2><ul>{fees or '<li class=dim>none</li>'}</ul>{sums}"
        f"<h2>Staff notes</h2><pre>{escape(order['staff_notes'] or '')}</pre>"
    )
    return page(f"Order {order['id']}", body)


def _line(line: Mapping[str, Any]) -> str:
    kind = f"product {line['product_id']}" if line["product_id"] else "custom"
    return (
        f"<tr><td>{escape(line['name'])}</td><td>{escape(line['sku'])}</td><td>{kind}</td>"
        f"<td class=n>{line['quantity']}</td><td class=n>{escape(line['total_inc_tax'])}</td></tr>"
    )


def _facts(order: Mapping[str, Any], names: Iterable[str]) -> str:
    rows = (f"<tr><th>{name.replace('_', ' ')}</th><td>{escape(str(order[name]))}</td></tr>" for name in names)
    return f"<table>{''.join(rows)}</table>"


def _name(person: Mapping[str, Any]) -> str:
    return f"{person.get('first_name', '')} {person.get('last_name', '')}".strip()


def _money(order: Mapping[str, Any], name: str) -> str:
    return escape(f"{order[name]} {order['currency_code']}")


def page(title: str, body: str) -> Answer:
    """Return a whole page; nothing in it may load or run anything."""
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style><body>{body}</body></html>"
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return Answer(200, text.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": policy})
