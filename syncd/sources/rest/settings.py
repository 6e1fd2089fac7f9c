"""The settings of a rest source: the API's address, how it is asked, and the expressions that say what its documents mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from syncd.canonical.kinds import TenderKind
from syncd.durations import Duration
from syncd.secret import Secret, Token
from syncd.sources.cloud import CloudSettings, Currency
from syncd.sources.csv.states import State
from syncd.sources.named_values import LINES, SALES, TENDERS
from syncd.sources.rest.expressions import Expression
from syncd.sources.settings import ApiUrl, ZoneName
from syncd.sources.zones import Fold, Skipped

Path = Annotated[str, Field(pattern=r"^/[^\s?#]*$")]
Header = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$")]
_NEEDED_OF_SALES = ("sale_id", "placed_at", "total")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SignIn(_Table):
    """How we prove who we are: a bearer token, a key in a header of the API's own, or a user and a password."""

    bearer: Token | None = None
    header: Header | None = None
    value: Token | None = None
    user: str | None = None
    password: Secret | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.bearer is not None, self.header is not None, self.user is not None)
        if (
            sum(ways) != 1
            or (self.header is None) != (self.value is None)
            or (self.user is None) != (self.password is None)
        ):
            msg = "must be one of: bearer; header and value; user and password"
            raise ValueError(msg)
        return self


class Paging(_Table):
    """How pages go on. ``parameter`` takes the number of the page, the offset or the cursor; ``size_parameter`` how many to a page.

    ``next`` finds the cursor, or the link to the next page, in an answer; a link may stand in the header ``Link`` as well.
    """

    by: Literal["none", "page", "offset", "cursor", "link"] = "none"
    parameter: str = ""
    size_parameter: str = ""
    size: Annotated[int, Field(ge=1, le=1000)] = 100
    first: int = 1
    next: Expression | None = None

    @model_validator(mode="after")
    def _said_enough(self) -> Self:
        if self.by in ("page", "offset", "cursor") and not self.parameter:
            msg = f'parameter is required with by = "{self.by}": which parameter takes it'
            raise ValueError(msg)
        if self.by == "cursor" and self.next is None:
            msg = 'next is required with by = "cursor": where an answer has the next cursor'
            raise ValueError(msg)
        return self


class Listing(_Table):
    """How sales are listed: ``items`` finds them in an answer; ``since`` and ``until`` are the parameters of the time walked by.

    ``one`` is the path of a single sale, with ``{id}`` in it; with ``details`` each listed sale is asked for there, for APIs whose
    lists leave out lines. ``times`` is how a time is written to the API: ISO 8601 in UTC, or seconds or milliseconds since 1970.
    """

    path: Path
    items: Expression = "@"
    params: dict[str, str | int | bool] = Field(default_factory=dict)
    since: str = ""
    until: str = ""
    times: Literal["iso", "seconds", "milliseconds"] = "iso"
    one: Path | None = None
    details: bool = False
    paging: Paging = Field(default_factory=Paging)

    @model_validator(mode="after")
    def _one_has_an_id(self) -> Self:
        if self.one is not None and "{id}" not in self.one:
            msg = 'one must have {id} in it: one = "/sales/{id}"'
            raise ValueError(msg)
        if self.details and self.one is None:
            msg = "one is required with details = true: where a sale is asked for"
            raise ValueError(msg)
        return self


class RestSettings(CloudSettings):
    """An API, and the mapping from its documents. ``sale``, ``line`` and ``tender`` map names of ours to JMESPath expressions.

    ``sale.lines`` and ``sale.tenders`` find the lists that ``line`` and ``tender`` read. ``minor_units``: amounts are whole numbers
    of the smallest coin. ``leave_out`` finds something in documents that are no sales of the till's.
    """

    url: ApiUrl
    auth: SignIn
    list: Listing
    sale: dict[str, Expression]
    line: dict[str, Expression]
    tender: dict[str, Expression] = Field(default_factory=dict)
    leave_out: Expression | None = None
    headers: dict[Header, str] = Field(default_factory=dict)
    timezone: ZoneName | None = None
    currency: Currency | None = None
    location: str | None = None
    minor_units: bool = False
    prices_include_tax: bool = False
    status_words: dict[str, State] = Field(default_factory=dict)
    tenders: dict[str, TenderKind] = Field(default_factory=dict)
    ambiguous_hour: Fold = "first"
    skipped_hour: Skipped = "later"
    requests_per_second: Annotated[float, Field(gt=0, le=100)] = 4.0
    overlap: Duration = timedelta(minutes=5)

    @field_validator("sale")
    @classmethod
    def _sale(cls, mapping: dict[str, str]) -> dict[str, str]:
        return _checked(mapping, {*SALES, "lines", "tenders"}, (*_NEEDED_OF_SALES, "lines"))

    @field_validator("line")
    @classmethod
    def _line(cls, mapping: dict[str, str]) -> dict[str, str]:
        if not {"total_ex_tax", "total_inc_tax"} & mapping.keys():
            msg = "total_ex_tax or total_inc_tax is required: what a line comes to"
            raise ValueError(msg)
        return _checked(mapping, LINES - {"sale_id"}, ("name",))

    @field_validator("tender")
    @classmethod
    def _tender(cls, mapping: dict[str, str]) -> dict[str, str]:
        return _checked(mapping, TENDERS - {"sale_id"}, ("amount",) if mapping else ())


def _checked(mapping: dict[str, str], known: Collection[str], needed: Collection[str]) -> dict[str, str]:
    if missing := [name for name in needed if name not in mapping]:
        msg = f"{missing[0]} is required"
        raise ValueError(msg)
    if other := sorted(mapping.keys() - set(known)):
        msg = f"{other[0]!r} is nothing that is read; there are {', '.join(sorted(known))}"
        raise ValueError(msg)
    return mapping


def names_of(mapping: Mapping[str, str], leave: Collection[str] = ()) -> dict[str, str]:
    """Return a mapping without the names that find lists."""
    return {name: expression for name, expression in mapping.items() if name not in leave}
