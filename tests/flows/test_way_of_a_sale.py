"""How many files and functions a reader must open to follow one sale: counted while one is read from its file and pushed."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any, cast

import pytest

import syncd
from syncd.app import App, open_app
from syncd.config import load
from syncd.testing.orders import sale
from tests.shop import Shop

_ROOM = f"{Path(syncd.__file__).parent}{os.sep}"


@dataclass
class Way:
    """The files of syncd that were entered, in the order of their first entry, with the functions of each."""

    functions: dict[str, dict[str, None]] = field(default_factory=dict)

    def enter(self, frame: FrameType) -> None:
        code = frame.f_code
        if code.co_filename.startswith(_ROOM) and not code.co_name.startswith("<"):
            file = code.co_filename.removeprefix(_ROOM)
            self.functions.setdefault(file, {})[code.co_qualname] = None

    @property
    def count(self) -> int:
        return sum(map(len, self.functions.values()))

    def __str__(self) -> str:
        files = ", ".join(f"{file} {len(names)}" for file, names in self.functions.items())
        return f"{len(self.functions)} files, {self.count} functions: {files}"


class Tracer:
    """Sees every call in every thread that begins after it; counts while somebody follows a way."""

    def __init__(self) -> None:
        self._way: Way | None = None

    def __call__(self, frame: FrameType, event: str, _arg: object) -> None:
        way = self._way
        if way is not None and event == "call":
            way.enter(frame)

    @contextmanager
    def following(self) -> Iterator[Way]:
        self._way = way = Way()
        try:
            yield way
        finally:
            self._way = None


@pytest.fixture
def tracer() -> Iterator[Tracer]:
    before, tracer = sys.getprofile(), Tracer()
    threading.setprofile(tracer)
    sys.setprofile(tracer)
    yield tracer
    sys.setprofile(before)
    threading.setprofile(cast("Any", None))  # documented: None stops it; the stub does not know


def read(app: App) -> None:
    app.tills["till"].poll(Event())


def push(app: App) -> int:
    store = app.stores["main"]
    with store.leased() as lease:
        return store.push(lease, Event()).sent


def test_the_push_of_one_sale_runs_through_few_files(
    shop: Shop, tracer: Tracer, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ["FLOW_TOKEN"] = shop.store.token
    with open_app(load(shop.config)) as app:
        shop.drop("first.jsonl", sale(sale_id="a", source="till").to_json())
        read(app)
        assert push(app) == 1
        shop.drop("second.jsonl", sale(sale_id="b", source="till").to_json())
        with tracer.following() as intake:
            read(app)
        with tracer.following() as creation:
            assert push(app) == 1
        shop.drop("edit.jsonl", sale(sale_id="b", source="till", note="a gift").to_json())
        read(app)
        with tracer.following() as edit:
            push(app)
    with capsys.disabled():
        for name, way in (("intake", intake), ("push", creation), ("push of an edit", edit)):
            print(f"\n{name}: {way}")
    assert len(creation.functions) <= 50
