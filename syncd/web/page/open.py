"""Serves the page for as long as a block runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from syncd.web.page.context import PageContext
from syncd.web.page.render import Renderer
from syncd.web.page.routes import Site
from syncd.web.page.security import Guard
from syncd.web.server import listening, serving

_GOES_ON = "Sales go on meanwhile; syncd status says how they stand."


@contextmanager
def page_open(context: PageContext, metrics: Callable[[], bytes], well: Callable[[], bool]) -> Iterator[bool]:
    """Serve the page at ``[web] listen`` until the end of the block; False where that address cannot be had."""
    config = context.app.config
    settings, base = config.web, config.base_dir
    tls = (base / settings.certificate, base / settings.key) if settings.certificate and settings.key else None
    with listening("web", settings.host, settings.port, _GOES_ON) as listener:
        if listener is None:
            yield False
            return
        guard = Guard(settings, listener.getsockname()[1], context.app.clock)
        site = Site(context, guard, Renderer(context, signs_in=guard.has_password), metrics, well)
        with serving(site.app(), listener, "web", tls):
            yield True
