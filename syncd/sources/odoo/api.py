"""Odoo's RPC: records of a model by a search, whole pages by id. JSON-RPC for all versions, JSON-2 from Odoo 19 on.

Source: https://www.odoo.com/documentation/19.0/developer/reference/external_api.html and external_rpc_api.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceAccessDenied, SourceRejected, SourceUnavailable
from syncd.sources.http import ApiProfile, StaticAuth
from syncd.sources.odoo.settings import OdooSettings
from syncd.sources.records import Document

_DENIED = "Check database, login and key, and that the user may read the Point of Sale (cloud plans below Custom have no API)."
_ACCESS = ("AccessDenied", "AccessError")
Domain = Sequence[object]


class OdooApi:
    """One database of one Odoo, read as one user."""

    def __init__(self, settings: OdooSettings, context: SourceContext) -> None:
        self._settings = settings
        key = settings.key.get_secret_value()
        headers = {"X-Odoo-Database": settings.database, "Authorization": f"bearer {key}"} if self._is_json2 else {}
        self.http = context.http(
            settings.url, StaticAuth(headers), ApiProfile(api="Odoo", per_second=10.0, burst=10, denied=_DENIED)
        )
        self._user: int | None = None
        self._fields: dict[str, frozenset[str]] = {}

    @property
    def _is_json2(self) -> bool:
        return self._settings.api == "json2"

    def pages(self, model: str, domain: Domain, wanted: Sequence[str], size: int) -> Iterator[list[Document]]:
        """Yield the records of a search, by id, so that what is made or changed meanwhile shifts no page.

        Raises:
            SourceError: Odoo cannot be asked.

        """
        after = 0
        while True:
            page = self._search(model, [*domain, ["id", ">", after]], wanted, size)
            if page:
                yield page
                after = max(int(row["id"]) for row in page)
            if len(page) < size:
                return

    def all(self, model: str, domain: Domain, wanted: Sequence[str]) -> list[Document]:
        """All records of a search."""
        return [row for page in self.pages(model, domain, wanted, 1000) for row in page]

    def by_id(self, model: str, ids: Sequence[int], wanted: Sequence[str]) -> dict[int, Document]:
        """Read records by their ids, archived ones too."""
        found: dict[int, Document] = {}
        for start in range(0, len(ids), 500):
            part = list(ids[start : start + 500])
            domain: list[object] = [["id", "in", part]]
            if "active" in self.fields(model):
                domain.append(["active", "in", [True, False]])
            found |= {int(row["id"]): row for row in self.all(model, domain, wanted)}
        return found

    def fields(self, model: str) -> frozenset[str]:
        """Return the fields that this version's model has."""
        if model not in self._fields:
            found = self._call(model, "fields_get", {"attributes": ["type"]})
            self._fields[model] = frozenset(found) if isinstance(found, Mapping) else frozenset()
        return self._fields[model]

    def _search(self, model: str, domain: Domain, wanted: Sequence[str], limit: int) -> list[Document]:
        there = self.fields(model)
        arguments = {
            "domain": list(domain),
            "fields": ["id", *(name for name in wanted if name in there)],
            "order": "id asc",
            "limit": limit,
        }
        found = self._call(model, "search_read", arguments)
        if not isinstance(found, list) or not all(isinstance(row, Mapping) and row.get("id") for row in found):
            raise SourceUnavailable(f"Odoo's answer about {model} is no list of records")
        return found

    def _call(self, model: str, method: str, arguments: Mapping[str, object]) -> Any:  # noqa: ANN401  whatever JSON it is
        if self._is_json2:
            return self.http.ask(f"/json/2/{model}/{method}", arguments)
        settings = self._settings
        if self._user is None:
            self._user = self._log_in()
        key = settings.key.get_secret_value()
        return self._rpc(
            "object", "execute_kw", [settings.database, self._user, key, model, method, [], dict(arguments)]
        )

    def _log_in(self) -> int:
        settings = self._settings
        key = settings.key.get_secret_value()
        user = self._rpc("common", "authenticate", [settings.database, settings.login, key, {}])
        if not isinstance(user, int) or not user:
            raise SourceAccessDenied(f"Odoo does not know the user {settings.login} with this key", _DENIED)
        return user

    def _rpc(self, service: str, method: str, arguments: list[object]) -> Any:  # noqa: ANN401  whatever JSON it is
        params = {"service": service, "method": method, "args": arguments}
        said = self.http.ask("/jsonrpc", {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1})
        if not isinstance(said, Mapping):
            raise SourceUnavailable("Odoo answered something that is no JSON-RPC", "Is url that of Odoo itself?")
        if (error := said.get("error")) is not None:
            raise self._refusal(error)
        return said.get("result")

    def _refusal(self, error: object) -> Exception:
        data = error.get("data") if isinstance(error, Mapping) else None
        name = str(data.get("name") or "") if isinstance(data, Mapping) else ""
        words = str(data.get("message") or "") if isinstance(data, Mapping) else str(error)
        words = words.replace(self._settings.key.get_secret_value(), "***")[:300]
        if name.rpartition(".")[2] in _ACCESS:
            self._user = None
            return SourceAccessDenied(f"Odoo refused us: {words}", _DENIED)
        if "OperationalError" in name or "Serialization" in name:
            return SourceUnavailable(f"Odoo's database is busy: {words}", "syncd continues automatically.")
        return SourceRejected(f"Odoo does not take the question: {words}", 200, name)


def stamp(at: datetime) -> str:
    """Return a time as a search takes it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
