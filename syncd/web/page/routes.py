"""The page as an ASGI application: every request passes the guard, is read within bounds, and answered by one view."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from syncd.errors import LedgerError, SyncdError, UsageError
from syncd.logs import get_logger
from syncd.roles import Role
from syncd.service.metrics import CONTENT_TYPE
from syncd.web.page import actions, backfills, books, log, overview, sale, sales, sources, stores, uploads
from syncd.web.page.context import PageContext
from syncd.web.page.render import Renderer, asset
from syncd.web.page.request import Download, HtmlPage, PageRequest, PageResult, Redirect, fields, parts
from syncd.web.page.security import HEADERS, Guard
from syncd.web.page.sign_in import Authenticator, Visitor
from syncd.web.page.single_sign_on import BACK, SingleSignOn
from syncd.web.page.throttle import client_of

_FORM = (128 * 1024, 4.0)  # bytes of a form, and seconds within which it must arrive
_FORM_WITH_FILE = (8 * 1024 * 1024, 60.0)
_TAKE_FILES = ("/sources/{name}/upload",)
_MOST_TO = 1_000

_NO_SIGN_ON = "This page has no single sign-on."

View = Callable[[PageContext, PageRequest], PageResult]
_VIEWS: dict[str, tuple[View, View | None]] = {  # what is shown, and what a form there does
    "/": (overview.overview, None),
    "/sales": (sales.sales, None),
    "/sales.csv": (sales.download, None),
    "/sale/{number:int}": (sale.story, actions.act_on_sale),
    "/sale/{number:int}/payload": (sale.payload, None),
    "/sale/{number:int}/link": (sale.story, actions.link),
    "/attention": (actions.attention, None),
    "/attention/{name}": (actions.group, actions.act_on_group),
    "/outcome/{name}": (actions.attention, actions.take_back),
    "/sources": (sources.sources, None),
    "/sources/{name}": (sources.source, sources.settle),
    "/sources/{name}/upload": (sources.source, uploads.take),
    "/sources/{name}/uploads/{token}": (uploads.preview, uploads.decide),
    "/stores": (stores.stores, None),
    "/stores/{name}": (stores.store, stores.try_again),
    "/books": (books.books, None),
    "/backfills": (backfills.backfills, backfills.ask_for),
    "/backfills/{number:int}": (backfills.one, backfills.turn),
    "/backfills/{number:int}/report.csv": (backfills.download, None),
    "/log": (log.log, None),
    "/log.csv": (log.download, None),
}


@dataclass(frozen=True)
class Site:
    """What the requests are answered with."""

    context: PageContext
    guard: Guard
    authenticator: Authenticator
    renderer: Renderer
    metrics: Callable[[], bytes]
    well: Callable[[], bool]
    sign_on: SingleSignOn | None = None

    def app(self, more: Sequence[Route]) -> Starlette:
        """Return the ASGI application, with ``more`` routes beside the page's own."""
        routes = list(more)
        for path, (show, act) in _VIEWS.items():
            routes.append(Route(path, partial(self._serve, show), methods=["GET"]))
            if act is not None:
                limits = _FORM_WITH_FILE if path in _TAKE_FILES else _FORM
                routes.append(Route(path, partial(self._serve, act, limits=limits), methods=["POST"]))
        routes += [
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/login/sso", self._begin_sign_on, methods=["GET"]),
            Route(BACK, self._finish_sign_on, methods=["GET"]),
            Route("/logout", self._logout, methods=["POST"]),
            Route("/static/{name}", self._static, methods=["GET"]),
            Route("/healthz", self._healthz, methods=["GET"]),
            Route("/readyz", self._readyz, methods=["GET"]),
            Route("/metrics", self._metrics, methods=["GET"]),
        ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: self._no_such})
        app.router.redirect_slashes = False  # it would redirect to whatever host the request names
        return app

    async def _serve(self, view: View, request: Request, limits: tuple[int, float] = _FORM) -> Response:
        refused = self._refused_host(request)
        if refused is not None:
            return refused
        visitor = await self._visitor(request)
        if isinstance(visitor, Response):
            return visitor
        refused = self._must_sign_in(request, visitor)
        ask = refused or await self._read(request, visitor, limits)
        if isinstance(ask, Response):
            return ask
        if ask.method == "POST" and self.context.read_only:
            return self._said(ask, visitor, 403, "This page only shows things: [web] read_only is set.")
        if ask.method == "POST" and not ask.may_decide:
            words = f"The account {ask.who} only sees. An administrator can change that: syncd users role {ask.who} operator"
            return self._said(ask, visitor, 403, words)
        return await run_in_threadpool(self._answer, view, ask, visitor)

    def _answer(self, view: View, ask: PageRequest, visitor: Visitor) -> Response:
        try:
            return self._answered(view(self.context, ask), ask, visitor)
        except UsageError as error:
            return self._said(ask, visitor, 400, f"{error.what}. {error.cure}")
        except LedgerError as error:
            get_logger().error("page_not_shown", path=ask.path, why=error.what, cure=error.cure)
            return self._said(ask, visitor, 503, f"{error.what}. {error.cure}")
        except SyncdError as error:
            get_logger().warning("page_not_shown", path=ask.path, why=error.what, cure=error.cure)
            return self._said(ask, visitor, 502, f"{error.what}. {error.cure}")
        except Exception:  # noqa: BLE001  a view's edge: told in the log, in words on the page, and everything else goes on
            get_logger().exception("page_failed_unexpectedly", path=ask.path)
            return self._said(ask, visitor, 500, "This is a bug in syncd; the log says more.")

    def _answered(self, answer: PageResult, ask: PageRequest, visitor: Visitor) -> Response:
        match answer:
            case Redirect(to):
                return self._with(RedirectResponse(to, 303), visitor)
            case Download(name, lines):
                named = {"Content-Disposition": f'attachment; filename="{name}"'}
                return self._with(
                    StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=named), visitor
                )
            case HtmlPage():
                return self._page(answer, ask, visitor)

    def _page(self, page: HtmlPage, ask: PageRequest, visitor: Visitor) -> Response:
        text = self.renderer.render(page, ask)
        return self._with(HTMLResponse(text, page.status), visitor)

    def _said(self, ask: PageRequest, visitor: Visitor, status: int, what: str) -> Response:
        return self._page(HtmlPage("nothing.html", {"what": what}, status), ask, visitor)

    def _with(self, response: Response, visitor: Visitor) -> Response:
        response.headers.update(HEADERS)
        if visitor.is_new:
            response.headers["Set-Cookie"] = self.guard.set_cookie(visitor.token)
        return response

    def _refused_host(self, request: Request) -> Response | None:
        if self.guard.knows_host(request.headers.get("host", "")):
            return None
        words = "This page is not served under that name. Name it in [web] url."
        return PlainTextResponse(words, 421, headers=HEADERS)

    async def _visitor(self, request: Request) -> Visitor | Response:
        try:
            return await run_in_threadpool(self.authenticator.visitor, self.guard.token_in(request.cookies))
        except LedgerError as error:
            return PlainTextResponse(f"{error.what}. {error.cure}", 503, headers=HEADERS)

    def _must_sign_in(self, request: Request, visitor: Visitor) -> Response | None:
        if visitor.role is not None:
            return None
        if request.method != "POST":
            return self._with(RedirectResponse(_login_for(request.url.path, request.url.query), 303), visitor)
        return PlainTextResponse("Sign in first, then send it again.", 403, headers=HEADERS)

    async def _read(
        self, request: Request, visitor: Visitor, limits: tuple[int, float] = _FORM
    ) -> PageRequest | Response:
        """Show the request as views see it, or what is wrong with it."""
        upload = None
        most, seconds = limits
        try:
            query = {name: values[0] for name, values in fields(request.url.query).items()}
            form: Mapping[str, tuple[str, ...]] = {}
            if request.method == "POST":
                async with asyncio.timeout(seconds):
                    if limits is _FORM_WITH_FILE and _has_file(request):
                        form, upload = await parts(request.headers, _body(request, most))
                    else:
                        form = fields(
                            b"".join([part async for part in _body(request, most)]).decode("utf-8", "replace")
                        )
        except TimeoutError:
            return PlainTextResponse("The form did not arrive in time.", 408, headers=HEADERS)
        except ClientDisconnect:
            return Response(status_code=400)
        except ValueError as error:
            return PlainTextResponse(f"That is no form of this page: {error}", 400, headers=HEADERS)
        csrf = self.guard.csrf(visitor.token)
        ask = PageRequest(
            request.method,
            request.url.path,
            query,
            form,
            _named(request.path_params),
            visitor.who,
            csrf,
            visitor.role or Role.VIEWER,
            upload,
        )
        if request.method == "POST":
            host = request.headers.get("host", "")
            if visitor.is_new or self.guard.forged(visitor.token, ask.first("csrf"), request.headers, host):
                words = "That form was not sent from this page, or the page was open for too long. Go back, reload, and try again."
                return self._said(ask, visitor, 403, words)
        return ask

    async def _asked(self, request: Request) -> tuple[Visitor, PageRequest] | Response:
        """Who asks for what, of those requests that nobody need be signed in for."""
        refused = self._refused_host(request)
        visitor = refused or await self._visitor(request)
        if isinstance(visitor, Response):
            return visitor
        ask = await self._read(request, visitor)
        return ask if isinstance(ask, Response) else (visitor, ask)

    async def _login(self, request: Request) -> Response:
        asked = await self._asked(request)
        if isinstance(asked, Response):
            return asked
        visitor, ask = asked
        if visitor.role is not None:
            return self._with(RedirectResponse("/", 303), visitor)
        if ask.method != "POST":
            return self._page(self._door(ask.query.get("to", "")), ask, visitor)
        peer = request.client.host if request.client is not None else ""
        address = client_of(peer, request.headers.get("x-forwarded-for", ""), self.context.app.config.web.proxies)
        try:
            named = (ask.first("name"), ask.first("password"), address)
            signed_in = await run_in_threadpool(self.authenticator.sign_in, *named)
        except LedgerError as error:
            return self._said(ask, visitor, 503, f"{error.what}. {error.cure}")
        if signed_in is None:
            words = "Wrong name or password. After five tries, wait a minute."
            return self._page(self._door(ask.first("to"), words, 401), ask, visitor)
        return self._with(RedirectResponse(own_address(ask.first("to")), 303), signed_in)

    def _door(self, to: str, wrong: str = "", status: int = 200) -> HtmlPage:
        values = {"wrong": wrong, "to": own_address(to), "sign_on": self.context.app.config.web.oidc}
        return HtmlPage("login.html", values, status)

    async def _begin_sign_on(self, request: Request) -> Response:
        """Send a browser to the provider of single sign-on."""
        asked = await self._asked(request)
        if isinstance(asked, Response) or self.sign_on is None:
            return asked if isinstance(asked, Response) else PlainTextResponse(_NO_SIGN_ON, 404, headers=HEADERS)
        visitor, ask = asked
        try:
            to = await run_in_threadpool(self.sign_on.begin, visitor.token, own_address(ask.query.get("to", "")))
        except SyncdError as error:
            return self._page(self._door(ask.query.get("to", ""), f"{error.what}. {error.cure}", 502), ask, visitor)
        return self._with(RedirectResponse(to, 303), visitor)

    async def _finish_sign_on(self, request: Request) -> Response:
        """Take a browser back from the provider, and sign it in.

        It comes from another site, and so without our cookie; a page of ours sends it here once more, with the cookie. For the same
        reason a page, and no redirect, leads on.
        """
        if (refused := self._refused_host(request)) is not None:
            return refused
        if self.sign_on is None:
            return PlainTextResponse(_NO_SIGN_ON, 404, headers=HEADERS)
        if self.guard.token_in(request.cookies) is None and "again" not in request.query_params:
            return _moves_on(f"{BACK}?{request.url.query}&again=1")
        asked = await self._asked(request)
        if isinstance(asked, Response):
            return asked
        visitor, ask = asked
        try:
            name, to = await run_in_threadpool(self.sign_on.finish, visitor.token, ask.query)
            signed_in = await run_in_threadpool(self.authenticator.sign_on, name)
        except LedgerError as error:
            return self._said(ask, visitor, 503, f"{error.what}. {error.cure}")
        except SyncdError as error:
            return self._page(self._door("", f"{error.what}. {error.cure}", 401), ask, visitor)
        if signed_in is None:
            words = f"{name} has no account here that signs in this way. Whoever runs syncd adds it:"
            return self._page(self._door("", f"{words} syncd users add {name} --no-password", 403), ask, visitor)
        return self._with(_moves_on(own_address(to)), signed_in)

    async def _logout(self, request: Request) -> Response:
        asked = await self._asked(request)
        if isinstance(asked, Response):
            return asked
        visitor, ask = asked
        try:
            await run_in_threadpool(self.authenticator.sign_out, visitor.token)
        except LedgerError as error:
            return self._said(ask, visitor, 503, f"{error.what}. {error.cure}")
        return self._with(RedirectResponse("/login" if self.authenticator.is_required else "/", 303), visitor)

    async def _static(self, request: Request) -> Response:
        found = asset(str(request.path_params["name"]))
        if found is None:
            return PlainTextResponse("There is no such file.", 404, headers=HEADERS)
        content, kind = found
        return Response(content, media_type=kind, headers={**HEADERS, "Cache-Control": "max-age=3600"})

    async def _healthz(self, _request: Request) -> Response:
        """Whether every job has had its good cycle; says no more than that, to whoever asks."""
        return await run_in_threadpool(self._well)

    def _well(self) -> Response:
        try:
            well = self.well()
        except LedgerError:
            well = False
        return PlainTextResponse("OK" if well else "Problem", 200 if well else 503, headers=HEADERS)

    async def _readyz(self, _request: Request) -> Response:
        """Whether it serves at all."""
        return PlainTextResponse("ready", headers=HEADERS)

    async def _metrics(self, request: Request) -> Response:
        if not self.guard.may_measure(
            request.headers.get("authorization", ""),
            request.headers.get("host", ""),
            signs_in=self.authenticator.is_required,
        ):
            words = "Metrics are for this machine alone, or for whoever sends [web] metrics_token as a bearer token."
            return PlainTextResponse(words, 401, headers={**HEADERS, "WWW-Authenticate": "Bearer"})
        return await run_in_threadpool(self._measured)

    def _measured(self) -> Response:
        try:
            return Response(self.metrics(), media_type=CONTENT_TYPE, headers=HEADERS)
        except LedgerError as error:
            get_logger().error("metrics_not_read", why=error.what, cure=error.cure)
            return PlainTextResponse("The ledger cannot be read.", 503, headers=HEADERS)

    async def _no_such(self, _request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        words = {404: "There is no such page.", 405: "That cannot be done here."}.get(status, "That cannot be shown.")
        headers = {**HEADERS, **(getattr(error, "headers", None) or {})}
        return PlainTextResponse(words, status, headers=headers)


def _moves_on(to: str) -> Response:
    """Return a page that leads on by itself: its own site asks for what follows, so that the browser sends its cookie."""
    address = escape(to)
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>syncd</title>'
        f'<meta http-equiv="refresh" content="0; url={address}"></head>'
        f'<body><p><a href="{address}">Go on</a></p></body></html>'
    )
    return HTMLResponse(text, headers=HEADERS)


def _login_for(path: str, query: str) -> str:
    """Return the address of the page that signs in, and leads on to where somebody wanted to go."""
    wanted = path + (f"?{query}" if query else "")
    return "/login" if wanted == "/" or len(wanted) > _MOST_TO else f"/login?{urlencode({'to': wanted})}"


def own_address(to: str) -> str:
    """Return an address of this page; the first page where that is another site's, or none."""
    if not to.startswith("/") or to.startswith("//") or "\\" in to:
        return "/"
    parts = urlsplit(to)
    return urlunsplit(("", "", parts.path, parts.query, ""))


def _named(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[:200] if isinstance(value, str) else value for name, value in params.items()}


def _has_file(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


async def _body(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """Yield the body as it comes; raises ValueError where it is larger than ``most`` bytes."""
    msg = f"it is too large: at most {most // 1024:,} kB are taken"
    said = request.headers.get("content-length", "")
    if said.isdigit() and (len(said) > 12 or int(said) > most):
        raise ValueError(msg)
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise ValueError(msg)
        yield part
