"""Reads of the API: paced, retried in place where that is harmless, errors as ours. Writes are in ``client``, once each."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from syncd.bigcommerce.classify import parse, reset_s, words
from syncd.bigcommerce.governor import QuotaGovernor
from syncd.bigcommerce.settings import ConnectionSettings
from syncd.clock import Clock
from syncd.errors import StoreAccessDenied, StoreRateLimited, StoreRejected, StoreUnavailable
from syncd.http.limits import Limits
from syncd.http.transport import HttpAnswer, HttpError, HttpTransport, Method

AUTH_HEADER = "X-Auth-Token"
_TRIES = 3
_PAGE = 250
_DENIED_CURE = "Check the token: it must be this store's, not revoked, with Orders: modify and Products: read-only."
_DECLINED_CURE = "Check api_url, store_hash and any proxy between; if only one question is refused, what it asks for."
_WAIT_CURE = "syncd continues automatically once the store answers; see https://status.bigcommerce.com."


class Api:
    """One store's API: every exchange passes the governor."""

    def __init__(
        self, wire: HttpTransport, governor: QuotaGovernor, clock: Clock, stop: threading.Event | None = None
    ) -> None:
        self._wire, self._governor, self._clock = wire, governor, clock
        self._stop = stop or threading.Event()

    def exchange(
        self,
        method: Method,
        path: str,
        params: Mapping[str, object] | None = None,
        body: bytes | None = None,
        *,
        live: bool = True,
    ) -> HttpAnswer:
        """One paced exchange, tried once.

        Raises:
            WireError: no whole answer came.

        """
        self._governor.acquire(live=live)
        return self.send_paced(method, path, params, body)

    def send_paced(
        self,
        method: Method,
        path: str,
        params: Mapping[str, object] | None = None,
        body: bytes | None = None,
        *,
        precondition: Callable[[], bool] = lambda: True,
    ) -> HttpAnswer:
        """Send a request whose turn has come already: ``acquire`` was called, and this releases it."""
        headers: Mapping[str, str] | None = None
        status: int | None = None
        begin = self._clock.elapsed().seconds
        try:
            answer = self._wire.send(method, path, params, body, precondition=precondition)
            headers, status = answer.headers, answer.status
        finally:
            self._governor.release(headers, status, self._clock.elapsed().seconds - begin)
        if status == 429:
            self._governor.throttled(reset_s(answer.headers))
        return answer

    def acquire(self, *, live: bool) -> None:
        """Wait for a turn; ``send_paced`` must follow. Raises Stopped where syncd is stopping."""
        self._governor.acquire(live=live)

    def get(
        self, path: str, params: Mapping[str, object] | None = None, *, missing_ok: bool = False, live: bool = True
    ) -> Any:  # noqa: ANN401
        """Return the JSON at ``path``; None for 204, and for 404 where that is allowed. ``live`` False yields to sales.

        Raises:
            Denied: 401 or 403.
            Throttled: 429 three times.
            Stopped: syncd is stopping.
            Unreachable: anything else that is no answer.

        """
        return self._read_with_retries(
            lambda: self.exchange("GET", path, params, live=live), path, missing_ok=missing_ok
        )

    def ask(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401
        """Return the JSON that a POST without any effect (a quote) answers; None where the API refuses the question (4xx).

        Raises:
            Denied, Throttled, Unreachable: as ``get``.

        """
        content = json.dumps(body, separators=(",", ":")).encode()
        return self._read_with_retries(lambda: self.exchange("POST", path, None, content), path, refusal_ok=True)

    def _read_with_retries(
        self, exchange: Callable[[], HttpAnswer], path: str, *, missing_ok: bool = False, refusal_ok: bool = False
    ) -> Any:  # noqa: ANN401
        for turn in itertools.count(1):
            try:
                try:
                    answer = exchange()
                except HttpError as broken:
                    raise StoreUnavailable(f"BigCommerce cannot be reached: {broken.why}", _WAIT_CURE) from None
                if refusal_ok and answer.status in (400, 404, 409, 422):
                    return None
                return self._read(answer, path, missing_ok=missing_ok)
            except (StoreRateLimited, StoreUnavailable):
                if turn == _TRIES:
                    raise
            self._clock.wait(self._stop, 0.2 * 2**turn)
        raise AssertionError("the turns above never end by themselves")

    def _read(self, answer: HttpAnswer, path: str, *, missing_ok: bool) -> Any:  # noqa: ANN401  whatever JSON is there
        status = answer.status
        if status == 204 or (status == 404 and missing_ok):
            return None
        if status in (401, 403):
            raise StoreAccessDenied(
                f"BigCommerce refused the token at GET {path} ({status}): {words(answer.body)}", _DENIED_CURE
            )
        if status == 429:
            raise StoreRateLimited(f"the store's quota is used up ({path})", _WAIT_CURE, reset_s(answer.headers))
        document = parse(answer.body) if 200 <= status < 300 else None
        if document is None and 400 <= status < 500 and status != 408:
            raise StoreRejected(f"GET {path} answered {status}: {words(answer.body)}", _DECLINED_CURE)
        if document is None:
            cure = "Check api_url, store_hash and any proxy between." if status < 500 else _WAIT_CURE
            raise StoreUnavailable(f"GET {path} answered {status}: {words(answer.body)}", cure)
        return document

    def pages(self, path: str, params: Mapping[str, object], *, live: bool = True) -> Iterator[list[Any]]:
        """Yield the pages of a V2 list (a bare list) or a V3 list (``data``), 250 a page.

        A V2 list ends with an empty page, or 204: a short one may only be short. A V3 list says how many pages it has.

        Raises:
            RemoteError: the store could not be asked, or its pages never end.

        """
        page, before = 1, None
        while True:
            document = self.get(path, {**params, "limit": _PAGE, "page": page}, live=live)
            items = document.get("data", []) if isinstance(document, Mapping) else document or []
            if not items:
                return
            if items == before:
                raise StoreUnavailable(f"{path} answers every page with the same rows", _WAIT_CURE)
            yield items
            if isinstance(document, Mapping) and page >= _last_page(document, page):
                return
            page, before = page + 1, items


def _last_page(document: Mapping[str, Any], page: int) -> int:
    """Return the number of the last page, as a V3 list tells it; where it does not, the page at hand is the last if it is short."""
    meta = document.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, Mapping) else None
    total = pagination.get("total_pages") if isinstance(pagination, Mapping) else None
    if isinstance(total, int):
        return total
    return page if len(document.get("data") or ()) < _PAGE else page + 1


def chunks(codes: Sequence[str], size: int, longest: int) -> Iterator[list[str]]:
    """``codes`` in groups of at most ``size`` and ``longest`` characters, so that a URL stays a URL."""
    group: list[str] = []
    length = 0
    for code in codes:
        if group and (len(group) >= size or length + len(code) > longest):
            yield group
            group, length = [], 0
        group.append(code)
        length += len(code) + 3
    if group:
        yield group


def store_wire(settings: ConnectionSettings, clock: Clock, *, connections: int = 10) -> HttpTransport:
    """Return the pooled connections to a store; paths start after its hash."""
    limits = Limits(settings.connect_timeout, settings.deadline, ca_file=settings.ca_file, proxy=settings.proxy)
    headers = {AUTH_HEADER: settings.token.get_secret_value()}
    return HttpTransport(
        f"{settings.api_url}/stores/{settings.store_hash}", headers, limits, clock, connections=connections
    )
