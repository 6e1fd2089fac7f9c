"""What an API that syncd has no adapter for asks for."""

from __future__ import annotations

from syncd.sources.setup import CURRENCY, TIMEZONE, Question, Setup, SignInWay

_JMES = "An expression as jmespath.org has it: a name, or a path such as totals.grand."

SETUP = Setup(
    title="another API (REST)",
    intro="An API that answers with JSON, and its documentation. More than is asked here is possible: docs/sources/rest.md.",
    questions=(
        Question("url", "The API's address", "Without the path of the sales, such as https://api.pos.example."),
        Question("list.path", "Path of the list of sales", "Such as /v1/sales."),
        Question("list.items", "Where the sales are in an answer", _JMES, default="@"),
        Question(
            "list.since",
            "Parameter that takes the time of the last look",
            "Such as updated_since; Enter for none.",
            optional=True,
        ),
        Question("sale.sale_id", "A sale's id", _JMES, default="id"),
        Question("sale.placed_at", "Its time", _JMES, default="created_at"),
        Question("sale.total", "What the customer paid", _JMES, default="total"),
        Question("sale.lines", "Its list of items", _JMES, default="items"),
        Question("line.name", "An item's name", _JMES, default="name"),
        Question("line.sku", "An item's SKU", _JMES, default="sku"),
        Question("line.quantity", "An item's quantity", _JMES, default="quantity"),
        Question("line.total_inc_tax", "An item's sum with tax", _JMES, default="total"),
        CURRENCY,
        TIMEZONE,
    ),
    ways=(
        SignInWay("bearer", "a token", (Question("auth.bearer", "Token (not shown)", secret=True),)),
        SignInWay(
            "header",
            "a key in a header of its own",
            (
                Question("auth.header", "Name of the header", default="X-Api-Key"),
                Question("auth.value", "Key (not shown)", secret=True),
            ),
        ),
        SignInWay(
            "password",
            "a user and a password",
            (Question("auth.user", "User"), Question("auth.password", "Password (not shown)", secret=True)),
        ),
    ),
    words=("rest", "api"),
)
