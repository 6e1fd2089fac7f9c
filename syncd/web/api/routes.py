"""The API as routes: who asks is known by a token, or by the session of a page that is open; every answer is JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from syncd.errors import LedgerError, SyncdError, UsageError
from syncd.logs import get_logger
from syncd.roles import Scope
from syncd.web.api.endpoints import ENDPOINTS
from syncd.web.api.models import ErrorOut
from syncd.web.api.openapi import BASE, document
from syncd.web.api.request import ApiRequest, Endpoint
from syncd.web.page.context import PageContext
from syncd.web.page.request import fields
from syncd.web.page.security import HEADERS, Guard, digest_of
from syncd.web.page.sign_in import Authenticator

_EACH = timedelta(minutes=1)
_EVERYTHING = frozenset(Scope)
_INCLUDED = {Scope.SALES: Scope.STATUS, Scope.CUSTOMERS: Scope.SALES}
_MOST_NAME = 200


@dataclass(frozen=True)
class ReadApi:
    """What the API's requests are answered with."""

    context: PageContext
    guard: Guard
    authenticator: Authenticator

    def routes(self) -> list[Route]:
        """Return the routes, with the description of the API among them."""
        found = [Route(BASE + _path(one), partial(self._serve, one), methods=["GET"]) for one in ENDPOINTS]
        return [*found, Route(f"{BASE}/openapi.json", self._describe, methods=["GET"])]

    async def _describe(self, _request: Request) -> Response:
        return JSONResponse(document(), headers=HEADERS)

    async def _serve(self, endpoint: Endpoint, request: Request) -> Response:
        try:
            query = {name: values[0] for name, values in fields(request.url.query).items()}
        except ValueError as error:
            return _refused(400, f"The query is not understood: {error}", "")
        return await run_in_threadpool(self._answer, endpoint, request, query)

    def _answer(self, endpoint: Endpoint, request: Request, query: dict[str, str]) -> Response:
        try:
            scopes = self._scopes(request)
            if scopes is None:
                return _refused(401, "This needs a token.", "Make one with: syncd tokens add NAME")
            if endpoint.scope not in scopes:
                cure = f"Make another with: syncd tokens add NAME --scope {endpoint.scope.value}"
                return _refused(403, f"This token may not read {endpoint.scope.value}.", cure)
            named = {
                name: value[:_MOST_NAME] if isinstance(value, str) else value
                for name, value in request.path_params.items()
            }
            answer = endpoint.run(self.context, ApiRequest(query, named, scopes))
        except UsageError as error:
            return _refused(400, error.what, error.cure)
        except LedgerError as error:
            get_logger().error("api_not_answered", path=endpoint.path, why=error.what, cure=error.cure)
            return _refused(503, error.what, error.cure)
        except SyncdError as error:
            get_logger().warning("api_not_answered", path=endpoint.path, why=error.what, cure=error.cure)
            return _refused(502, error.what, error.cure)
        except Exception:  # noqa: BLE001  an endpoint's edge: told in the log, and everything else goes on
            get_logger().exception("api_failed_unexpectedly", path=endpoint.path)
            return _refused(500, "This is a bug in syncd; the log says more.", "")
        return _refused(404, "There is no such thing.", "") if answer is None else _json(answer)

    def _scopes(self, request: Request) -> frozenset[Scope] | None:
        """Return what whoever asks may read; None where nobody is known."""
        authorization = request.headers.get("authorization", "")
        if authorization:
            return self._of_token(authorization.removeprefix("Bearer ").strip())
        if not self.guard.knows_host(request.headers.get("host", "")):
            return None  # another site's name that leads here: a browser must read nothing
        visitor = self.authenticator.visitor(self.guard.token_in(request.cookies))
        return _EVERYTHING if visitor.role is not None else None

    def _of_token(self, secret: str) -> frozenset[Scope] | None:
        accounts = self.context.app.ledger.accounts
        token = accounts.token(digest_of(secret))
        if token is None:
            return None
        self.context.kept.get(("token", token.name), _EACH, lambda: accounts.token_was_used(token.name))
        scopes = set(token.scopes)
        for scope in (Scope.CUSTOMERS, Scope.SALES):
            if scope in scopes:
                scopes.add(_INCLUDED[scope])
        return frozenset(scopes)


def _path(endpoint: Endpoint) -> str:
    return endpoint.path.replace("{number}", "{number:int}")


def _json(answer: BaseModel, status: int = 200) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json", headers=HEADERS)


def _refused(status: int, what: str, cure: str) -> Response:
    response = _json(ErrorOut(what=what, cure=cure), status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
