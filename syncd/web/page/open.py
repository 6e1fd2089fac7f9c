"""Serves the page for as long as a block runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from starlette.applications import Starlette

from syncd.logs import get_logger
from syncd.web.api.routes import ReadApi
from syncd.web.page.context import PageContext
from syncd.web.page.render import Renderer
from syncd.web.page.routes import Site
from syncd.web.page.security import Guard
from syncd.web.page.sign_in import Authenticator
from syncd.web.page.single_sign_on import SingleSignOn
from syncd.web.server import ListenAddress, kept_open

_GOES_ON = "Sales go on meanwhile; syncd status says how they stand."


@contextmanager
def page_open(context: PageContext, metrics: Callable[[], bytes], well: Callable[[], bool]) -> Iterator[bool]:
    """Serve the page at ``[web] listen`` until the end of the block; False where that address cannot be had yet."""
    config = context.app.config
    settings, base = config.web, config.base_dir
    tls = (base / settings.certificate, base / settings.key) if settings.certificate and settings.key else None
    authenticator = Authenticator(settings, context.app.ledger, context.app.clock)
    if authenticator.is_required and settings.password_hash is None and not context.app.ledger.accounts.any():
        get_logger().warning("nobody_can_sign_in", cure="Add an account: syncd users add NAME --role admin")

    def app_of(port: int) -> Starlette:
        guard = Guard(settings, port)
        renderer = Renderer(context)
        own = settings.url or f"{'https' if tls else 'http'}://{settings.listen.rpartition(':')[0]}:{port}"
        sign_on = SingleSignOn(settings.oidc, own, context.app.clock) if settings.oidc is not None else None
        site = Site(context, guard, authenticator, renderer, metrics, well, sign_on)
        return site.app(ReadApi(context, guard, authenticator).routes())

    address = ListenAddress("web", settings.host, settings.port, _GOES_ON, tls)
    with closing(context.background), kept_open(address, app_of, context.app.clock) as is_open:
        yield is_open
