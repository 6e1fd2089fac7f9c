"""The daemon's HTTP server: an address that something else has is tried again, and served once it is free."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from syncd.clock import SystemClock
from syncd.web.server import ListenAddress, kept_open
from tests.service.daemons import until


class QuickClock(SystemClock):
    """A clock on which a minute takes a moment."""

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        return stop.wait(seconds / 1000)


def app_of(port: int) -> Starlette:
    def answer(_request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"served at {port}")

    return Starlette(routes=[Route("/", answer)])


@contextmanager
def taken() -> Iterator[tuple[socket.socket, int]]:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other, other.getsockname()[1]


def answers(port: int) -> str:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=1).text
    except requests.RequestException:
        return ""


def test_an_address_that_is_taken_is_served_once_it_is_free() -> None:
    with taken() as (other, port), capture_logs() as log:
        with kept_open(ListenAddress("web", "127.0.0.1", port, "Sales go on."), app_of, QuickClock()) as is_open:
            assert not is_open
            assert answers(port) == ""
            other.close()
            until(lambda: answers(port) == f"served at {port}")
        assert answers(port) == ""  # it ends with the block
    (told,) = [one for one in log if one["event"] == "web_cannot_listen"]  # once, however often it was tried
    assert "Sales go on." in told["cure"]


def test_an_address_that_stays_taken_keeps_nothing_from_ending() -> None:
    with (
        taken() as (_, port),
        kept_open(ListenAddress("web", "127.0.0.1", port, ""), app_of, SystemClock()) as is_open,
    ):
        assert not is_open
    assert not [one for one in threading.enumerate() if one.name == "web opens"]


def test_a_free_address_is_served_at_once_and_any_port_is_named() -> None:
    with kept_open(ListenAddress("web", "127.0.0.1", 0, ""), app_of, SystemClock()) as is_open:
        assert is_open
