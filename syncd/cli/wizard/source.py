"""Asks for a source: which POS, the questions that its adapter declares, and a try of the account before anything is written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from msgspec import Struct
from pydantic import BaseModel, SecretStr, ValidationError

from syncd.cli.consent import ConsentWay, ask_consent
from syncd.cli.guess import guessed, local_zone
from syncd.cli.render import say
from syncd.cli.wizard.asking import Asker
from syncd.clock import SystemClock
from syncd.errors import SyncdError, UsageError
from syncd.sources import AsksConsent, SourceContext, registry
from syncd.sources.context import Memory
from syncd.sources.jsonl import in_words
from syncd.sources.setup import Question, Setup, SignInWay

_FILES = ("csv", "jsonl", "poslog")
_OF_FILES = {"currency": "Currency of its amounts", "timezone": "Time zone of its times"}


@dataclass(slots=True)
class SourceAnswers:
    """What was asked of one source: its table without secrets, the secrets by their keys, and what its adapter keeps for itself."""

    kind: str
    name: str = "till"
    table: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    unsure: Mapping[str, str] = field(default_factory=dict)
    state: Memory = field(default_factory=Memory)
    after: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether exports are dropped into a folder."""
        return "path" in self.table


class SourceQuestions(Struct, frozen=True):
    """Asks for one source. ``api_url`` is another address of the POS's API; ``taken`` are the names that other sources have."""

    asker: Asker
    currency: str
    api_url: str = ""
    taken: tuple[str, ...] = ()

    def ask(self) -> SourceAnswers:
        """Ask until a source answers.

        Raises:
            UsageError: three answers were wrong.

        """
        found = self.asker.again(self._which)
        if isinstance(found, Path):
            answers = self.asker.again(lambda: self._of_file(found))
        else:
            answers = self.asker.again(lambda: self._of_account(found))
        usual = "till" if isinstance(found, Path) else found.replace("_", "-")
        answers.name = self._name(usual)
        return answers

    # Which

    def _which(self) -> str | Path:
        setups = _setups()
        say("Where do the sales come from? An export file of your till (type its path), or:")
        for number, (_, setup) in enumerate(setups.items(), start=1):
            say(f"   {number:>2}  {setup.title}", hang=7)
        said = self.asker.ask("The path of a file, a number or a name")
        if said.isdecimal() and 1 <= int(said) <= len(setups):
            return list(setups)[int(said) - 1]
        for kind, setup in setups.items():
            if setup.named(said, kind):
                return kind
        if said in _FILES:
            said = self.asker.ask("The path of an export")
        file = Path(said.strip("'\"")).expanduser()
        if not file.is_file():
            raise UsageError(
                f"{said!r} is neither a file nor one of the list", "Type a number, a name, or the path of a file."
            )
        return file

    def _name(self, usual: str) -> str:
        if usual not in self.taken:
            return usual
        number = next(number for number in range(2, len(self.taken) + 3) if f"{usual}-{number}" not in self.taken)

        def ask() -> str:
            name = self.asker.ask("A name for this source", default=f"{usual}-{number}")
            if name in self.taken:
                raise UsageError(f"{name} is taken", "Choose another name.")
            return name

        return self.asker.again(ask)

    # A file

    def _of_file(self, file: Path) -> SourceAnswers:
        found = guessed(file)
        answers = SourceAnswers(
            str(found.table["type"]), table={**found.table, "path": "inbox"}, unsure=dict(found.unsure)
        )
        for key in ("timezone", "currency"):
            self._settle(answers, key)
        problem = _problem(registry.settings_of(answers.table), answers)
        if problem:
            raise UsageError(problem, "Try another export of the same till: docs/sources/csv.md says which are read.")
        return answers

    def _settle(self, answers: SourceAnswers, key: str) -> None:
        """Ask for a key that the file does not tell."""
        missing = key == "currency" and key not in answers.table and answers.table["type"] == "csv"
        if key not in answers.unsure and not missing:
            return
        usual = str(answers.table.get(key) or (self.currency if key == "currency" else local_zone()))
        question = Question(key, _OF_FILES[key], default=usual)
        self.asker.again(lambda: self._one(answers, question))
        answers.unsure = {name: why for name, why in answers.unsure.items() if name != key}

    # An account

    def _of_account(self, kind: str) -> SourceAnswers:
        setup = _setups()[kind]
        answers = SourceAnswers(kind, table={"type": kind}, after=setup.after)
        if setup.intro:
            say(f"   {setup.intro}", hang=3)
        fields = registry.load(kind).Settings.model_fields
        if self.api_url and "api_url" in fields:
            answers.table["api_url"] = self.api_url
        for question in setup.questions:
            self.asker.again(lambda question=question: self._one(answers, question))  # type: ignore[misc]  # bound at once
        way = self._way(setup)
        for question in way.questions if way is not None else ():
            self.asker.again(lambda question=question: self._one(answers, question))  # type: ignore[misc]  # bound at once
        self._tried(answers, consent=way is not None and way.consent)
        return answers

    def _way(self, setup: Setup) -> SignInWay | None:
        if len(setup.ways) < 2:
            return next(iter(setup.ways), None)
        say(f"How shall syncd sign in to {setup.title}?")
        choices = [(way.name, way.says) for way in setup.ways]
        name = self.asker.again(lambda: self.asker.choose("SignInWay to sign in", choices, default="1"))
        return next(way for way in setup.ways if way.name == name)

    def _one(self, answers: SourceAnswers, question: Question) -> None:
        """Ask one question, and look at its answer as the config will.

        Raises:
            UsageError: the answer cannot be used.

        """
        if question.key in answers.table:
            return
        asker, default = self.asker, self._default(question)
        if question.choices and len(question.choices) == 1:
            answer = question.choices[0]
        elif question.choices:
            if question.where:
                say(f"   {question.where}", hang=3)
            answer = asker.choose(question.ask, [(choice, "") for choice in question.choices])
        else:
            shown = question.optional or "{secret}" in question.default
            answer = asker.ask(
                question.ask,
                where=question.where,
                secret=question.secret,
                default="" if shown and not default else default,
                shows_default="{secret}" not in question.default,
            )
        answer = question.cleaned(answer).strip()
        if not answer and question.optional:
            return
        if not answer:
            raise UsageError("an answer is needed here", question.where or "Type it, or press Ctrl-C to stop.")
        kept = SourceAnswers(answers.kind, table=deepcopy(answers.table), secrets=dict(answers.secrets))
        if question.secret:
            kept.secrets[question.key] = answer
        else:
            _put(kept.table, question.key, answer)
        if problem := _problem(registry.settings_of(kept.table), kept, question.key):
            raise UsageError(problem, question.where or "Try again.")
        answers.table, answers.secrets = kept.table, kept.secrets

    def _default(self, question: Question) -> str | None:
        if question.default == "{secret}":
            return token_urlsafe(32)
        filled = question.default.replace("{zone}", local_zone()).replace("{currency}", self.currency)
        return filled or None

    def _tried(self, answers: SourceAnswers, *, consent: bool) -> None:
        """Build the adapter as ``run`` will, and let it look at the account.

        Raises:
            UsageError: the account cannot be read.

        """
        if problem := _problem(registry.settings_of(answers.table), answers):
            raise UsageError(problem, "Try again.")
        settings = registry.settings_of(answers.table).model_validate(_whole(answers))
        context = SourceContext("setup", SystemClock(), Path(), threading.Event(), answers.state)
        try:
            source = registry.load(answers.kind)(settings, context)
        except SyncdError as error:
            raise UsageError(error.what, error.cure or "Try again.") from None
        try:
            asked = source.consent() if consent and isinstance(source, AsksConsent) else None
            if asked is not None:
                ask_consent(asked, ConsentWay())
            findings = list(source.check())
        except SyncdError as error:
            raise UsageError(error.what, error.cure or "Try again.") from None
        finally:
            source.close()
        for finding in findings:
            if finding.level == "error":
                raise UsageError(finding.what, finding.cure or "Try again.")
            say(f"   {finding.what}", hang=3)


def _setups() -> dict[str, Setup]:
    """Return what each installed adapter asks for, those of accounts by their titles."""
    found = {}
    for kind in registry.known():
        if kind in _FILES:
            continue
        adapter = registry.load(kind)
        found[kind] = getattr(adapter, "SETUP", None) or _plain_setup(kind, adapter.Settings)
    return dict(sorted(found.items(), key=lambda one: (one[1].title[:1].islower(), one[1].title)))


def _plain_setup(kind: str, model: type[BaseModel]) -> Setup:
    """Return the questions of an adapter that declares none: the settings that it requires, by their names."""
    questions = tuple(
        Question(name, f"{kind}: {name.replace('_', ' ')}", secret="Secret" in str(one.annotation))
        for name, one in model.model_fields.items()
        if one.is_required()
    )
    return Setup(kind, questions=questions)


def _put(table: dict[str, Any], key: str, value: object) -> None:
    """Put a value under a key, whose dots reach into the tables within."""
    *tables, last = key.split(".")
    for name in tables:
        table = table.setdefault(name, {})
    table[last] = value


def with_secrets(answers: SourceAnswers, form: Callable[[str, str], object]) -> dict[str, Any]:
    """Return the table with each secret in its place, as ``form`` makes it of its key and its value."""
    whole = deepcopy(answers.table)
    for key, value in answers.secrets.items():
        _put(whole, key, form(key, value))
    return whole


def _whole(answers: SourceAnswers) -> dict[str, Any]:
    """Return the table as an adapter's model takes it."""
    whole = with_secrets(answers, lambda _, value: SecretStr(value))
    return {key: value for key, value in whole.items() if key != "type"}


def _problem(model: type[BaseModel], answers: SourceAnswers, key: str = "") -> str:
    """Return what is wrong with the answers so far, or with the one of a key alone; empty where nothing is."""
    try:
        model.model_validate(_whole(answers))
    except ValidationError as error:
        if not key:
            return in_words(error)
        for found in error.errors(include_url=False, include_input=False):
            at = ".".join(str(part) for part in found["loc"])
            if at == key and found["type"] != "missing":
                return found["msg"].removeprefix("Value error, ")
    return ""
