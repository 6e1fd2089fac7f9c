"""What an adapter asks a shop owner for: the questions of ``syncd init``, in order, in the words of the POS's own pages."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct, field


def as_typed(answer: str) -> str:
    """Return an answer as it was given."""
    return answer


class Question(Struct, frozen=True):
    """One question.

    ``key`` is the key of the source's table that the answer fills, with dots to reach into its tables; ``where`` says where to find
    the answer. ``default`` is what Enter gives, and ``optional`` that Enter leaves the key out. ``cleaned`` turns what people paste
    into what the key holds. ``choices`` are the only answers; ``only_with`` asks it only where another key has this value.
    """

    key: str
    ask: str
    where: str = ""
    secret: bool = False
    default: str = ""
    optional: bool = False
    choices: tuple[str, ...] = ()
    cleaned: Callable[[str], str] = as_typed
    only_with: tuple[str, str] = ("", "")


class SignInWay(Struct, frozen=True):
    """One way to sign in to an account; ``consent``: its owner then allows access in a browser."""

    name: str
    says: str
    questions: tuple[Question, ...]
    consent: bool = False


class Setup(Struct, frozen=True):
    """What a source of one type asks for: some questions of every shop, then those of the way that its owner chooses.

    ``title`` is the POS as its owner knows it; ``intro`` says what to have at hand; ``after`` what is left to do once it is set up.
    """

    title: str
    intro: str = ""
    questions: tuple[Question, ...] = ()
    ways: tuple[SignInWay, ...] = ()
    after: str = ""
    words: tuple[str, ...] = field(default=())

    def named(self, said: str, kind: str) -> bool:
        """Whether somebody who says this means this POS."""
        plain = _plain(said)
        return plain in (_plain(kind), _plain(self.title), *(_plain(word) for word in self.words))


def _plain(words: str) -> str:
    return re.sub(r"[^a-z0-9]", "", words.lower())


TIMEZONE = Question("timezone", "Time zone of the shop", "Such as America/Chicago or Europe/Berlin.", default="{zone}")
"""``{zone}`` and ``{currency}`` in a default stand for this machine's zone and the store's currency."""
CURRENCY = Question("currency", "Currency of its amounts", "Three letters, such as USD.", default="{currency}")
