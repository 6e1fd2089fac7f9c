"""Walks over a store's orders whose lists are short, unsorted, unfiltered or endless: none is missed, nothing is trusted."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

import pytest

from syncd.bigcommerce.client import FilterBroken
from syncd.errors import StoreError
from tests.http.test_wire import Server, _token, client, serving

__all__ = ["_token"]  # the fixture that names the token
Row = dict[str, object]
Answers = Callable[[dict[str, str], Sequence[Row]], Sequence[Row]]
ORDERS: list[Row] = [{"id": number, "external_order_id": f"till:{number}"} for number in range(101, 701)]


def store(answers: Answers) -> tuple[Callable[[socket.socket], None], list[Server]]:
    """A store with 600 orders whose list is what ``answers`` makes of it."""
    servers: list[Server] = []

    def handle(connection: socket.socket) -> None:
        line = servers[0].requests[-1].split(b"\r\n")[0].decode()
        asked = dict(parse_qsl(line.split()[1].partition("?")[2]))
        archived = asked.get("is_deleted") == "true"
        body = json.dumps(list(answers(asked, [] if archived else ORDERS))).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return handle, servers


def page(asked: dict[str, str], rows: Sequence[Row], size: int = 250) -> Sequence[Row]:
    start = (int(asked.get("page", "1")) - 1) * size
    return rows[start : start + size]


def from_id(asked: dict[str, str], rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if int(str(row["id"])) >= int(asked.get("min_id", "0"))]


def with_key(asked: dict[str, str], rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["external_order_id"] == asked["external_order_id"]]


LISTS: dict[str, Answers] = {
    "as documented": lambda asked, rows: page(asked, from_id(asked, rows)),
    "fifty rows a page, whatever was asked for": lambda asked, rows: page(asked, from_id(asked, rows), 50),
    "newest first": lambda asked, rows: page(asked, from_id(asked, rows)[::-1]),
    "min_id ignored": page,
}


@pytest.mark.parametrize("how", LISTS)
def test_a_walk_by_id_finds_every_order_however_its_pages_come(how: str) -> None:
    handle, servers = store(LISTS[how])
    with serving(handle) as server:
        servers.append(server)
        found = [
            order.id
            for order in client(f"http://127.0.0.1:{server.port}").list_between(151, None, None, archived=False)
        ]
    assert sorted(found) == list(range(151, 701))


def test_a_list_that_never_ends_is_told_and_proves_nothing() -> None:
    handle, servers = store(lambda _, rows: rows[:250])
    with serving(handle) as server:
        servers.append(server)
        with pytest.raises(StoreError, match="same rows"):
            list(client(f"http://127.0.0.1:{server.port}").list_between(151, None, None, archived=False))


def test_a_look_up_whose_filter_lets_strangers_through_does_not_show_that_an_order_is_absent() -> None:
    handle, servers = store(page)
    with serving(handle) as server:
        servers.append(server)
        orders = client(f"http://127.0.0.1:{server.port}")
        with pytest.raises(FilterBroken):
            orders.find("till:none")


def test_a_look_up_finds_the_order_among_those_that_only_begin_like_its_key() -> None:
    def prefixed(asked: dict[str, str], rows: Sequence[Row]) -> Sequence[Row]:
        wanted = asked["external_order_id"]
        return page(asked, [row for row in reversed(rows) if str(row["external_order_id"]) <= wanted])

    handle, servers = store(lambda asked, rows: page(asked, with_key(asked, rows)))
    with serving(handle) as server:
        servers.append(server)
        orders = client(f"http://127.0.0.1:{server.port}")
        assert [order.id for order in orders.find("till:150")] == [150]
        assert orders.find("till:none") == []
    handle, servers = store(prefixed)
    with serving(handle) as server:
        servers.append(server)
        assert [order.id for order in client(f"http://127.0.0.1:{server.port}").find("till:650")] == [650]
