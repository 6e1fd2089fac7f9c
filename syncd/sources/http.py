"""The HTTP client of cloud POS adapters: questions asked at the API's pace, answered in JSON, errors as ours.

It only reads, so what failed may be asked again in place: a few times, then the poll ends and the next one goes on. Safe to use
from many threads.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from syncd.canonical.order import read_json
from syncd.clock import Clock
from syncd.http.limits import Limits, https_or_loopback
from syncd.http.transport import HttpAnswer, HttpError, HttpTransport
from syncd.sources.errors import SourceAccessDenied, SourceRateLimited, SourceRejected, SourceUnavailable

_TRIES = 4
_PATIENCE_S = 30.0  # a longer wait ends the poll, so that whoever looks sees why nothing comes
_LONGEST_S = 3600.0
_UNTOLD_S = 10.0  # how long to leave an API alone that has had enough and does not say for how long
_FIRST_WAIT_S = 0.5
_MOST_WORDS = 300


class Auth(Protocol):
    """Proves who we are."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers of the next request.

        Raises:
            SourceError: a token cannot be had.

        """
        ...

    def renew(self, used: Mapping[str, str]) -> bool:
        """Say whether there are better headers than ``used``, which were answered with 401."""
        ...


@dataclass(frozen=True, slots=True)
class StaticAuth:
    """A token that stays as it is."""

    used: Mapping[str, str] = field(repr=False)

    def headers(self) -> Mapping[str, str]:
        """Return the same headers always."""
        return self.used

    def renew(self, used: Mapping[str, str]) -> bool:
        """Say whether there are better headers now than ``used``, which were answered with 401."""
        del used
        return False


def _usual_words(document: Any) -> tuple[str, str]:  # noqa: ANN401  whatever JSON an error body is
    """Return the code and the text of an error body, in the forms that most APIs use."""
    errors = document.get("errors") if isinstance(document, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else document
    if not isinstance(first, Mapping):
        return "", str(first or "")
    code = next((str(first[name]) for name in ("code", "error", "type") if first.get(name)), "")
    names = ("detail", "details", "message", "error_description", "error")
    return code, next((str(first[name]) for name in names if first.get(name)), code)


class ApiProfile(Struct, frozen=True):
    """An API's terms: its name, how many requests a second, how many at once after a rest, and the cure when it refuses us."""

    api: str = "the POS"
    per_second: float = 5.0
    burst: int = 5
    limits: Limits = Limits()
    headers: Mapping[str, str] = {}
    denied: str = "Check the token: that it is this account's, not revoked and not expired, and its permissions."
    words: Callable[[Any], tuple[str, str]] = _usual_words


class HttpClient:
    """One API of one account."""

    def __init__(self, clock: Clock, stop: threading.Event, base: str, auth: Auth, terms: ApiProfile) -> None:
        self._clock, self._stop, self._auth, self.terms = clock, stop, auth, terms
        self._wire = HttpTransport(https_or_loopback(base), terms.headers, terms.limits, clock, connections=4)
        self._host = urlsplit(base).hostname or base
        self._pace = _Pace(terms.per_second, terms.burst)
        self._lock = threading.Lock()
        self._ahead = timedelta(0)

    def __repr__(self) -> str:
        """Where it goes; never a token."""
        return f"HttpClient({self._host})"

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def now(self) -> datetime:
        """Return the API's own clock, as its last answer's ``Date`` told it; ours until one did. Aware, in UTC."""
        return self._clock.now() + self._ahead

    def get(self, path: str, params: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401  whatever JSON is there
        """Return the JSON that GET answers, numbers with a fraction as ``Decimal``; None for 204.

        Raises:
            Denied: 401 or 403; the cure says what to mend.
            Throttled: 429, and a longer wait than a poll should sit through.
            Refused: another 4xx, 404 among them.
            Unavailable: no whole answer of JSON, tried several times; or syncd is stopping meanwhile.

        """
        return self.page(path, params)[0]

    def page(self, path: str, params: Mapping[str, object] | None = None) -> tuple[Any, str]:
        """Return the same with the link to the next page that the answer's header ``Link`` names (RFC 8288).

        Empty where there is none.
        """
        target = f"{path}?{urlencode(params, doseq=True)}" if params else path
        document, answer = self._with_retries("GET", target, None, {})
        return document, _next_link(answer.headers.get("Link") or "")

    def ask(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401  whatever JSON is there
        """Return the JSON that a POST answers which changes nothing: a search. Errors as ``get``."""
        return self._with_retries("POST", path, json.dumps(body, separators=(",", ":")).encode(), {})[0]

    def form(self, path: str, fields: Mapping[str, str]) -> Any:  # noqa: ANN401  whatever JSON is there
        """Return the JSON that a POST of a form answers, without ``auth``, and sent once unless it was put off: a token's renewal.

        Errors as ``get``.
        """
        return self._once(path, urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def once(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401  whatever JSON is there
        """Return the same with a body of JSON."""
        return self._once(path, json.dumps(body).encode(), {})

    def _once(self, path: str, body: bytes, headers: Mapping[str, str]) -> Any:  # noqa: ANN401  whatever JSON is there
        turn = 0
        while True:
            try:
                return self._read(self._send("POST", path, body, headers), path)
            except SourceRateLimited as full:
                turn += 1
                self._pause(full, turn)

    def _with_retries(
        self,
        method: Any,  # noqa: ANN401  a method of HTTP
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> tuple[Any, HttpAnswer]:
        path, renewed, turn = target.partition("?")[0], False, 0
        while True:
            used = self._auth.headers()
            try:
                answer = self._send(method, target, body, {**headers, **used})
                if answer.status == 401 and not renewed and self._auth.renew(used):
                    renewed = True
                    continue
                return self._read(answer, path), answer
            except SourceRateLimited as full:
                trouble: SourceRateLimited | SourceUnavailable = full
            except SourceUnavailable as gone:
                trouble = gone
            turn += 1
            self._pause(trouble, turn)

    def _pause(self, trouble: SourceRateLimited | SourceUnavailable, turn: int) -> None:
        """Wait before the next try; raises ``trouble`` where there is none, or the wait is longer than a poll should last."""
        wait = trouble.retry_after.total_seconds() if isinstance(trouble, SourceRateLimited) else 0.0
        wait = wait or _FIRST_WAIT_S * 2**turn * random.uniform(0.5, 1.0)  # noqa: S311  jitter, not a secret
        if turn >= _TRIES or wait > _PATIENCE_S or self._clock.wait(self._stop, wait):
            if isinstance(trouble, SourceRateLimited):
                raise SourceRateLimited(trouble.what, timedelta(seconds=max(wait, _UNTOLD_S)), trouble.cure) from None
            raise trouble

    def _send(self, method: Any, target: str, body: bytes | None, headers: Mapping[str, str]) -> HttpAnswer:  # noqa: ANN401
        with self._lock:
            wait = self._pace.take(self._clock.elapsed().seconds)
        if wait > 0 and self._clock.wait(self._stop, wait):
            raise SourceUnavailable(f"{self.terms.api} was not asked: syncd is stopping")
        try:
            answer = self._wire.send(method, target, None, body, headers=headers)
        except HttpError as broken:
            cure = f"Check the network between here and {self._host}; syncd continues automatically."
            raise SourceUnavailable(f"{self.terms.api} cannot be reached: {broken.why}", cure) from None
        self._learn(answer)
        return answer

    def _learn(self, answer: HttpAnswer) -> None:
        if (theirs := _http_date(answer.headers.get("Date"))) is not None:
            self._ahead = theirs - self._clock.now()

    def _read(self, answer: HttpAnswer, path: str) -> Any:  # noqa: ANN401  whatever JSON is there
        status, api = answer.status, self.terms.api
        if status == 204:
            return None
        document = _parsed(answer.body)
        code, words = self.terms.words(document) if document is not None else ("", "")
        said = f"{path} answered {status}" + (f": {' '.join(words.split())[:_MOST_WORDS]}" if words else "")
        if 200 <= status < 300 and document is not None:
            return document
        if status in (401, 403):
            raise SourceAccessDenied(f"{api} refused us: {said}", self.terms.denied)
        if status == 429:
            wait = self._retry_after(answer.headers)
            raise SourceRateLimited(f"{api} asks us to wait: {said}", timedelta(seconds=wait))
        if 400 <= status < 500 and status != 408:
            raise SourceRejected(f"{api} does not take the question: {said}", status, code)
        if 300 <= status < 400:
            raise SourceUnavailable(
                f"{api}: {said} and pointed elsewhere; not followed", "Check the API's URL in the config."
            )
        raise SourceUnavailable(
            f"{api}: {said or 'an answer that is no JSON'}", "syncd continues automatically once it answers."
        )

    def _retry_after(self, headers: Mapping[str, str]) -> float:
        """Seconds, or a date (Lightspeed writes one); 0 where neither is reported."""
        said = headers.get("Retry-After") or ""
        try:
            wait = float(said)
        except ValueError:
            until = _http_date(said)
            wait = (until - self.now()).total_seconds() if until else 0.0
        return min(max(wait, 0.0), _LONGEST_S) if wait == wait else 0.0  # noqa: PLR0124  not a number is no wait


class _Pace:
    """So many a second, and some at once after a rest."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._gap, self._burst = 1.0 / per_second, burst
        self._next = 0.0

    def take(self, now: float) -> float:
        """Take a turn: the seconds until it comes."""
        self._next = max(self._next, now - self._gap * (self._burst - 1))
        wait = self._next - now
        self._next += self._gap
        return wait


_LINK = re.compile(r"<([^<>]{1,4000})>([^<>]{0,400})")


def _next_link(header: str) -> str:
    return next((link for link, about in _LINK.findall(header) if 'rel="next"' in about or "rel=next" in about), "")


def _parsed(body: bytes) -> Any:  # noqa: ANN401  whatever JSON there is
    try:
        return read_json(body)
    except (ValueError, RecursionError):
        return None


def _http_date(text: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
