"""What ``syncd run`` opens beside its sources and stores: tried by ``syncd check`` as it would be opened."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from syncd.app import App
from syncd.formatting import when
from syncd.service.delivery import unknown_addresses
from syncd.service.event_outage import outage_of
from syncd.service.health import of_this_host, read_health
from syncd.sources import Receiving
from syncd.sources.base import Finding

_FULL = 1 << 20


def check_service(app: App) -> Iterator[tuple[str, Finding]]:
    """Yield what is wrong with addresses, certificates, alerts and the ledger's disk; nothing where all can be opened."""
    yield from (("page", one) for one in _page(app))
    if any(isinstance(till.source, Receiving) and till.source.receives() for till in app.tills.values()):
        yield from (
            ("webhooks", one) for one in _address(app, app.config.intake.host, app.config.intake.port, "intake")
        )
    yield from (("alerts", one) for one in _alerts(app))
    yield from (("events", one) for one in _events(app))
    yield from (("ledger", one) for one in _disk(app))


def _page(app: App) -> Iterator[Finding]:
    settings = app.config.web
    if not settings.enabled:
        return
    yield from _address(app, settings.host, settings.port, "web")
    if settings.certificate is not None and settings.key is not None:
        certificate, key = app.config.base_dir / settings.certificate, app.config.base_dir / settings.key
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            what = f"the certificate {certificate} or its key {key} cannot be used ({error.strerror or error})"
            yield Finding("error", what, "Give both as PEM files that belong together.")


def _address(app: App, host: str, port: int, table: str) -> Iterator[Finding]:
    if any(one.running() for one in of_this_host(read_health(app.ledger))):
        return  # the daemon has it
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        what = f"{host}:{port} cannot be opened: {error.strerror}"
        yield Finding("error", what, f"Name another address in [{table}] listen, or end what has it.")


def _alerts(app: App) -> Iterator[Finding]:
    urls = app.config.alerts.urls
    if not urls:
        yield Finding("warning", "nobody is mailed when something needs attention", "syncd init --redo asks for it.")
    elif wrong := unknown_addresses(urls):
        yield Finding(
            "error", wrong, "See github.com/caronc/apprise for the form of each service, then: syncd alerts test"
        )


def _events(app: App) -> Iterator[Finding]:
    outage = outage_of(app) if app.config.events.url is not None else None
    if outage is not None:
        what = f"the address of [events] takes nothing since {when(outage.since)}: {outage.why}"
        yield Finding("warning", what, "Nothing is lost for a week. Try the address: syncd events test")


def _disk(app: App) -> Iterator[Finding]:
    url = app.config.ledger_url.get_secret_value()
    if not url.startswith("sqlite:///"):
        return
    free, least = shutil.disk_usage(Path(url.removeprefix("sqlite:///")).parent).free, app.config.alerts.low_disk_mb
    if free < _FULL:
        yield Finding("error", "the ledger's disk is full", "Free some space: no sale can be recorded.")
    elif free < least * 1_000_000:
        yield Finding("warning", f"only {free / 1e6:,.0f} MB are free on the ledger's disk", "Free some space.")
