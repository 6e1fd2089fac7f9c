"""Asks questions on a terminal: numbered, with where to find the answer, and again where an answer is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import typer

from syncd.cli.render import say
from syncd.errors import SyncdError, UsageError

T = TypeVar("T")
TRIES = 3


@dataclass(slots=True)
class Asker:
    """Counts the questions of one run."""

    asked: int = 0

    def ask(
        self,
        words: str,
        *,
        where: str = "",
        secret: bool = False,
        default: str | None = None,
        shows_default: bool = True,
    ) -> str:
        """Ask once, and return the answer without blanks around it. Enter gives ``default``, where there is one."""
        self.asked += 1
        if where:
            say(f"   {where}", hang=3)
        answer = typer.prompt(
            f"{self.asked}. {words}",
            hide_input=secret,
            default=default,
            show_default=shows_default and bool(default) and not secret,
        )
        return str(answer).strip()

    def choose(self, words: str, choices: Sequence[tuple[str, str]], default: str = "") -> str:
        """Show choices (a name, what it says) with numbers, and return the name of the one that is chosen.

        Raises:
            UsageError: the answer is none of them.

        """
        for number, (name, says) in enumerate(choices, start=1):
            say(f"   {number}  {name}" + (f": {says}" if says else ""), hang=6)
        answer = self.ask(words, default=default or None)
        names = [name for name, _ in choices]
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer in names:
            return answer
        raise UsageError(f"{answer!r} is none of these", f"Answer with a number from 1 to {len(names)}.")

    def again(self, ask: Callable[[], T]) -> T:
        """Return the first good answer.

        Raises:
            UsageError: three answers were wrong.

        """
        first = self.asked
        for _ in range(TRIES):
            self.asked = first
            try:
                return ask()
            except SyncdError as error:
                say(f"   {error.what}. {error.cure}", hang=3)
        what = "setup stopped after three wrong answers; nothing was saved"
        raise UsageError(what, "Run syncd init again.")

    def yes(self, words: str, *, default: bool) -> bool:
        """Ask for yes or no."""
        self.asked += 1
        return bool(typer.confirm(f"{self.asked}. {words}", default=default))
