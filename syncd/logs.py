"""Structured logs: JSON in a service, coloured lines on a terminal, no secret in either.

Events are constant, snake case and in the past tense (``sale_recorded``); values are fields. ``bind`` puts ``source``,
``store``, ``sale``, ``attempt`` and ``lane`` on every line below it. structlog is loaded with the first line: a command that
says nothing in the log does not wait for it.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if code not in (9, 10)} | {10: "\\n"}
SECRET_NAMES = re.compile(
    r"token|secret|password|authorization|api_key|signature_key|auth_code|credential", re.IGNORECASE
)
"""What a field is called whose value nobody may see, in a log line as in a config."""
_SHORTEST_SECRET = 4
_FEW = 32  # more of them in one pattern cost more than a look at each place of a text
_planted: set[str] = set()
_heads: dict[str, list[str]] = {}  # the hidden values by their first letters
_found: re.Pattern[str] | None = None


def hide(*values: str) -> None:
    """Never let any of ``values`` (tokens as they were read) appear in a log line, whatever carries them."""
    global _found  # noqa: PLW0603  the one pattern of this process, made anew while there are few
    new = {value for value in values if len(value) >= _SHORTEST_SECRET} - _planted
    _planted.update(new)
    for value in new:
        _heads[value[:_SHORTEST_SECRET]] = sorted(
            [*_heads.get(value[:_SHORTEST_SECRET], ()), value], key=len, reverse=True
        )
    if new:
        few = len(_planted) <= _FEW
        _found = re.compile("|".join(map(re.escape, sorted(_planted, key=len, reverse=True)))) if few else None


def _without_secrets(text: str) -> str:
    """Return a text with stars for every hidden value; of two that begin at one place, the longer goes."""
    if _found is not None or not _planted:
        return _found.sub("***", text) if _found is not None else text
    parts, start = list[str](), 0
    begins = [at for at in range(len(text) - _SHORTEST_SECRET + 1) if text[at : at + _SHORTEST_SECRET] in _heads]
    for at in begins:
        value = next((one for one in _heads[text[at : at + _SHORTEST_SECRET]] if text.startswith(one, at)), "")
        if value and at >= start:
            parts += [text[start:at], "***"]
            start = at + len(value)
    return "".join([*parts, text[start:]]) if parts else text


def redact(text: str) -> str:
    """``text`` without any hidden value, and with control characters written out (a name may hold a newline or ANSI)."""
    return _without_secrets(text).translate(_CONTROL)


def _clean(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if SECRET_NAMES.search(key):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = redact(value) if key != "exception" else _keep_lines(value)
        elif value is not None and not isinstance(value, bool | int | float):
            event[key] = redact(str(value))
    return event


def _keep_lines(trace: str) -> str:
    return "\n".join(redact(line) for line in trace.splitlines())


def setup(fmt: LogFormat = "auto", level: LogLevel = "info") -> None:
    """Send every log line, ours and the libraries', to standard error in one form."""
    _wanted[:] = [(fmt, level, sys.stderr)]
    logging.basicConfig(handlers=[_FirstLine()], level=logging.WARNING, force=True)


_wanted: list[tuple[LogFormat, LogLevel, TextIO]] = []  # empty once it is done
_setting_up = threading.RLock()


class _FirstLine(logging.Handler):
    """Stands in until a library has something to say."""

    def emit(self, record: logging.LogRecord) -> None:
        """Set everything up, and hand the line on."""
        _set_up()
        logging.getLogger().handle(record)


def _set_up() -> None:
    """Do what ``setup`` asked for, if that was not done yet; nobody else says a line before it is."""
    with _setting_up:
        if _wanted:
            _configure(*_wanted[0])
            _wanted.clear()


def _configure(fmt: LogFormat, level: LogLevel, stream: TextIO) -> None:
    import structlog  # noqa: PLC0415  see above

    as_json = fmt == "json" or (fmt == "auto" and not stream.isatty())
    render: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    finish: list[Any] = [structlog.processors.format_exc_info, _clean, render]
    structlog.configure(
        processors=[*shared, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def get_logger() -> FilteringBoundLogger:
    """Return the logger of the caller; context bound with ``bind`` appears on every line."""
    import structlog  # noqa: PLC0415  see above

    if _wanted:
        _set_up()
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def bind(**values: object) -> AbstractContextManager[None]:
    """Within it, ``values`` stand on every line."""
    from structlog.contextvars import bound_contextvars  # noqa: PLC0415  see above

    return bound_contextvars(**values)
