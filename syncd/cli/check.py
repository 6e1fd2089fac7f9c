"""``syncd check``: a line for each thing that must be right, with the cure where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import asdict

from syncd.app import App
from syncd.canonical.money import places
from syncd.cli.check_checkout import checkout_findings
from syncd.cli.check_effects import effects_of
from syncd.cli.check_service import check_service
from syncd.cli.exits import Exit
from syncd.cli.probe import of_answers
from syncd.cli.render import print_json, say
from syncd.cli.session import need_work, opened
from syncd.config import read_written
from syncd.config.extras import needed_extras
from syncd.errors import LedgerError, SourceError, StoreAccessDenied, StoreError
from syncd.extras import install_command, is_installed
from syncd.intake.admission import NotAdmitted
from syncd.naming import gone
from syncd.secret import secret_files
from syncd.source_runner import SourceRunner
from syncd.sources import Finding
from syncd.stores import StoreServices
from syncd.trials import answers_for

_LIVE = (
    "active",
    "prelaunch",
    "connected",
    "",
)  # https://developer.bigcommerce.com/docs/rest-management/channels ("status")
_SKEW_S = 120
_NAMED = 10
MARK = {"ok": "ok", "warning": "WARN", "error": "FIX", "mismatch": "FIX"}


def run_check(config: Path | None, as_json: bool) -> Exit:
    """Examine everything that a pass needs, without reading sales or changing anything."""
    with opened(config, secrets=True) as app:
        findings = [("config", finding) for finding in _config(app)]
        findings += [("ledger", Finding("ok", line)) for line in app.ledger.maintenance.describe()]
        if careless := app.ledger.maintenance.careless():
            findings.append(("ledger", Finding("warning", careless, "Set fsync = on in postgresql.conf.")))
        if shared := app.ledger.maintenance.shared():
            findings.append(("ledger", Finding("error", shared.what, shared.cure)))
        need_work(app)
        for name, till in app.tills.items():
            findings += [(f"source {name}", finding) for finding in _name(app, till)]
            findings += [(f"source {name}", finding) for finding in (*_source(till), *_start(app, till))]
        findings += [(f"source {name}", finding) for name, finding in _never_read(app)]
        findings += check_service(app)
        remote_trouble = False
        for name, store in app.stores.items():
            for finding in _store(app, store):
                findings.append((f"store {name}", finding))
                remote_trouble |= finding.level == "error"
    if as_json:
        print_json([{"about": about, **asdict(finding)} for about, finding in findings])
    else:
        for about, finding in findings:
            say(f"{MARK[finding.level]:<5} {about}: {finding.what}", hang=6)
            if finding.cure:
                say(f"      {finding.cure}", hang=0)
    if remote_trouble:
        return Exit.REMOTE
    return Exit.ATTENTION if any(finding.level in ("error", "mismatch") for _, finding in findings) else Exit.OK


def _config(app: App) -> Iterator[Finding]:
    """Yield the config by itself, and beside the names that the ledger knows."""
    yield Finding("ok", f"{app.config.path} is valid")
    for left in app.config.left_out:
        yield Finding("error", left.words, left.cure)
    yield from _extras(app)
    yield from _open_files(app)
    for one in gone(app.config, app.ledger):
        yield Finding("mismatch" if one.not_done else "warning", one.words, one.cure)


def _extras(app: App) -> Iterator[Finding]:
    """Yield the extras that the config needs, and whether they are installed."""
    needed = needed_extras(app.config)
    for extra in sorted(set(needed.values())):
        keys = ", ".join(key for key, one in needed.items() if one == extra)
        if is_installed(extra):
            yield Finding("ok", f"{keys}: needs the extra {extra}, which is installed")
        else:
            why = f"{keys}: needs the extra {extra}, which is not installed"
            yield Finding("error", why, f"Install it: {install_command([extra])}")


def _open_files(app: App) -> Iterator[Finding]:
    """Files that hold secrets, or the ledger, and that others may read."""
    url = app.config.ledger_url.get_secret_value()
    files = [Path(url.removeprefix("sqlite:///"))] if url.startswith("sqlite:///") else []
    for named in [*files, *_secret_files(app)]:
        path = app.config.base_dir / named
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("warning", f"others on this machine may read {path}", f"chmod 600 {path}")


def _secret_files(app: App) -> Iterator[Path]:
    found = read_written(app.config.path)
    for table in (found.main, *found.parts.values()):
        yield from secret_files(table)


def _never_read(app: App) -> Iterator[tuple[str, Finding]]:
    """Yield what lies in a drop folder and is no file that any source of it reads."""
    for name, report in app.folder_reports().items():
        if not isinstance(report, SourceError) and report.strange:
            names = ", ".join(report.strange[:_NAMED]) + (" and others" if len(report.strange) > _NAMED else "")
            yield name, Finding("warning", f"never read: {names}", "Export them in a format that this source reads.")


def _source(till: SourceRunner) -> Iterator[Finding]:
    try:
        yield from till.source.check()
    except SourceError as error:
        yield Finding("error", error.what, error.cure)


def _name(app: App, till: SourceRunner) -> Iterator[Finding]:
    """Whether the source may be read under its name."""
    try:
        till.try_admit()
    except NotAdmitted as error:
        yield Finding("error", error.what, error.cure)
        return
    known = app.ledger.sources.known().get(till.name)
    if known is not None and known.keys not in (till.name, till.config.common.formerly):
        cure = f'Write formerly = "{known.keys}" into [sources.{till.name}]: it is needed if this ledger is ever lost.'
        yield Finding("warning", f"its sale keys begin with {known.keys}, its name of before", cure)


def _start(app: App, till: SourceRunner) -> Iterator[Finding]:
    """Since when an account's sales are carried, and what that leaves out."""
    if not till.carries_from_now:
        return
    since = app.ledger.sources.private(till.name).kept_start()
    words = f"{since:%Y-%m-%d %H:%M} UTC" if since else "the first poll"
    cure = f"For earlier ones: syncd backfill --source {till.name} --from ... --to ..., or start_from in its config."
    yield Finding("ok", f"sales are sent from {words} on; earlier ones are left out. {cure}")


def _store(app: App, store: StoreServices) -> Iterator[Finding]:
    try:
        store.check_binding()
    except LedgerError as error:
        yield Finding("error", error.what, error.cure)
    try:
        yield from _identity(store)
        yield from _currencies(app, store)
        yield from _taxes(app, store)
        yield from _clock(app, store)
        yield from _scopes(store)
        yield from effects_of(store)
        yield from checkout_findings(app, store)
        yield from of_answers(answers_for(app.config, app.ledger, store.name))
    except StoreAccessDenied as error:
        cure = "Make a store-level API account with Orders: modify, Products: read-only, Information & settings: read-only."
        yield Finding("error", error.what, error.cure or cure)
    except StoreError as error:
        yield Finding("error", error.what, error.cure)


def _identity(store: StoreServices) -> Iterator[Finding]:
    info = store.info.store()
    yield Finding(
        "ok", f"the token opens {info.name} ({info.domain}), currency {info.currency}, {info.plan or 'plan not told'}"
    )
    channels = {channel.id: channel for channel in store.info.channels()}
    wanted = store.settings.rules.channel_id
    if wanted not in channels:
        known = ", ".join(f"{c.id} ({c.name})" for c in channels.values())
        yield Finding("error", f"channel {wanted} does not exist", f"Set channel_id to one of: {known}")
    elif channels[wanted].status not in _LIVE:
        what = f"channel {wanted} ({channels[wanted].name}) is {channels[wanted].status}, and BigCommerce takes no order for it"
        yield Finding("error", what, "Connect the channel again, or set channel_id to another.")
    else:
        yield Finding("ok", f"orders go to channel {wanted} ({channels[wanted].name})")


def _currencies(app: App, store: StoreServices) -> Iterator[Finding]:
    """Whether the store takes the currencies that its sources' settings name, and has their places."""
    listed = {one.code: one for one in store.info.currencies()}
    yield Finding("ok", f"orders may be in {', '.join(listed) or 'a currency that is not told'}")
    for name, till in app.tills.items():
        code = getattr(till.config.settings, "currency", None)
        if store.name not in till.config.common.all_stores or not code or not listed:
            continue
        if code not in listed:
            cure = f"Its sales would be held. Name another store for it, or add {code} to the store's currencies."
            yield Finding("mismatch", f"source {name} sells in {code}; the store takes {', '.join(listed)}", cure)
        elif listed[code].decimal_places < places(code):
            what = f"the store keeps {listed[code].decimal_places} decimals of {code}; source {name} may have {places(code)}"
            yield Finding("warning", what, "Set the decimal places of the currency in the store's settings.")


def _taxes(app: App, store: StoreServices) -> Iterator[Finding]:
    """On which side of tax store and tills are exact, and whether charges without tax have a class of their own."""
    included = store.info.store().prices_include_tax
    for name, till in app.tills.items():
        said = getattr(till.config.settings, "prices_include_tax", None)
        if store.name in till.config.common.all_stores and None not in (said, included) and said is not included:
            sides = ("with tax", "without tax") if said else ("without tax", "with tax")
            what = f"source {name} prices {sides[0]}, the store {sides[1]}: totals are the receipt's, BigCommerce shows unit prices"
            yield Finding("ok", f"{what} of the other side to four places")
    rules, classes = store.settings.rules, {one.id: one.name for one in store.info.tax_classes()}
    untaxed = {
        number: name for number, name in classes.items() if "non-tax" in name.lower() or "exempt" in name.lower()
    }
    if rules.fee_tax_class_id is not None and classes and rules.fee_tax_class_id not in classes:
        known = ", ".join(f"{number} ({name})" for number, name in classes.items())
        yield Finding(
            "error", f"tax class {rules.fee_tax_class_id} does not exist", f"Set fee_tax_class_id to one of: {known}"
        )
    elif rules.fee_tax_class_id is None:
        number = next(iter(untaxed), None)
        cure = f"; fee_tax_class_id = {number} ({untaxed[number]}) makes them fees" if number is not None else ""
        yield Finding("ok", f"tips and other charges without tax become lines of the order{cure}")
    else:
        name = classes.get(rules.fee_tax_class_id, "not told")
        yield Finding(
            "ok", f"tips and other charges without tax become fees of tax class {rules.fee_tax_class_id} ({name})"
        )


def _clock(app: App, store: StoreServices) -> Iterator[Finding]:
    skew = (app.clock.now() - store.info.time()).total_seconds()
    if abs(skew) > _SKEW_S:
        yield Finding(
            "warning", f"this machine's clock is {skew:+.0f} s off BigCommerce's", "Turn on time synchronisation (NTP)."
        )
    else:
        yield Finding("ok", f"clock agrees with BigCommerce's within {abs(skew):.0f} s")


def _scopes(store: StoreServices) -> Iterator[Finding]:
    store.orders.newest_id()
    yield Finding("ok", "orders can be read")
    if store.settings.rules.customers != "guest":
        try:
            store.matcher.ask_customers()
        except StoreAccessDenied as error:
            yield Finding(
                "error",
                f"customers cannot be read: {error.what}",
                'Grant Customers: read-only (modify for customers = "create"), or set customers = "guest".',
            )
    store.matcher.ask_catalog()
    yield Finding("ok", "the catalog can be read")
    report = store.governor.report()
    yield Finding("ok", f"quota: {report.quota} requests per {report.window_s:g} s, {report.left} left")
