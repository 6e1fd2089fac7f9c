"""JMESPath expressions (https://jmespath.org): what of a document is meant by a value of ours. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator

from syncd.sources.records import Unreadable

# Amounts are read as exact decimals; the library's own functions (sum, max, to_number) must know that they are numbers.
functions.TYPES_MAP["Decimal"] = "number"
functions.REVERSE_TYPES_MAP["number"] = (*functions.REVERSE_TYPES_MAP["number"], "Decimal")


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Any:  # noqa: ANN401  the library's compiled expression
    return jmespath.compile(expression)


def _known(expression: str) -> str:
    try:
        _compiled(expression)
    except JMESPathError as error:
        msg = f"{expression!r} is no JMESPath expression: {' '.join(str(error).split())[:200]}"
        raise ValueError(msg) from None
    return expression


Expression = Annotated[str, AfterValidator(_known)]
"""A JMESPath expression that can be read."""


def search(expression: str, document: object) -> Any:  # noqa: ANN401  whatever JSON is there
    """Return what an expression finds in a document; None where nothing is there.

    Raises:
        Unreadable: a function of the expression does not take what is there.

    """
    try:
        return _compiled(expression).search(document)
    except (JMESPathError, TypeError, ArithmeticError, ValueError) as error:
        msg = f"{expression!r}: {' '.join(str(error).split())[:200]}"
        raise Unreadable(msg) from None
