"""What a repository, or its organisation for all of them, asks for itself: only ever less.

The file is read where only those with write access can change it: on the default branch.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, WithJsonSchema

from bot.core import batch, strict_json, strict_yaml
from bot.core.batch import Part, exact
from bot.core.errors import BatchError, Problem, RulesError
from bot.core.language import Choice
from bot.core.parse import parse_batch_data, words
from bot.core.policy import AllowList, Limits, narrow
from bot.core.ports import Role
from bot.core.pricing import Money
from bot.core.rules import Rules
from bot.core.run import Wish
from bot.core.said import said

PATH = ".github/gptimage.yml"
MOST_BYTES = 100_000

_MOST_DOLLARS = 1_000_000


def _names(value: object) -> object:
    """A list of names, in which ids may be numbers."""
    if not isinstance(value, list):
        return value
    return tuple(str(each) if type(each) is int else each for each in value)


_Dollars = Annotated[
    Decimal,
    BeforeValidator(exact),
    PlainSerializer(float),
    Field(ge=0, le=_MOST_DOLLARS),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST_DOLLARS}),
]
_People = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "integer"]}}),
]
_TEAM = r"^[^/\s]+/[^/\s]+$"
_Teams = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": _TEAM}}),
]
_Bots = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 1}}),
]


class RepositoryFile(Part):
    """The content of the file; what it does not say stays as the operator wants it."""

    min_role: Literal["write", "maintain", "admin"] | None = Field(
        None, description="The role that may spend here."
    )
    allowed_users: _People | None = Field(
        None, description="Of those with the role, only these may spend: logins or ids."
    )
    allowed_teams: _Teams | None = Field(
        None, description="Or the members of these teams, as org/team."
    )
    allowed_bots: _Bots | None = Field(
        None, description="Of the bots that the operator allows, only these ids may spend."
    )
    max_cost_per_run: _Dollars | None = Field(None, description="Cap for one run, in USD.")
    max_cost_per_person_and_day: _Dollars | None = Field(
        None, description="Cap for one person in a day, in this repository."
    )
    max_cost_per_repository_and_day: _Dollars | None = Field(
        None, description="Cap for this repository in a day."
    )
    max_jobs: int | None = Field(None, ge=1, le=10_000, description="Jobs in one batch.")
    max_images: int | None = Field(None, ge=1, le=100_000, description="Images in one batch.")
    model: str | None = Field(None, min_length=1, max_length=100, description="For jobs without.")
    language: Choice | None = Field(None, description="Of the answers.")
    destination: Wish | None = Field(None, description="Where the images are published.")
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="For every job that says nothing else."
    )


def read_file(data: bytes, where: str = PATH) -> RepositoryFile:
    """What the file says. Raises RulesError with every fault and its place."""
    try:
        return _read(data)
    except BatchError as error:
        raise RulesError(error.problems, file=where) from None


def _read(data: bytes) -> RepositoryFile:
    text = _text(data)
    if all(line.strip()[:1] in {"", "#"} for line in text.splitlines()):
        return RepositoryFile()
    document = strict_yaml.read(text)
    if not isinstance(document.data, Mapping):
        hint = said("such as {example}", example="max_cost_per_run: 2")
        raise BatchError([Problem("", said("the file must hold settings"), hint)])
    problems, found = list(document.problems), None
    try:
        found = RepositoryFile.model_validate(dict(document.data))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        problems += [words.complaint(RepositoryFile, fault, _place) for fault in faults]
    problems += _wrong_teams(document.data.get("allowed_teams"))
    problems += _wrong_defaults(document.data.get("defaults"))
    if problems or found is None:
        raise BatchError(map(document.located, sorted(problems, key=document.position)))
    return found


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = said("it is not UTF-8 text (byte {place})", place=error.start)
        raise BatchError([Problem("", message)]) from None


def _place(name: str) -> str:
    return strict_json.join("", name)


def _wrong_teams(teams: object) -> list[Problem]:
    message = said("a team is written org/team")
    return [
        Problem(f"allowed_teams[{index}]", message)
        for index, team in enumerate(teams if isinstance(teams, list) else ())
        if isinstance(team, str) and not re.match(_TEAM, team)
    ]


def _wrong_defaults(defaults: object) -> list[Problem]:
    """What a batch would say of them."""
    if not isinstance(defaults, Mapping):
        return []
    try:
        parse_batch_data({"defaults": defaults, "jobs": [{"prompt": "stands in"}]})
    except BatchError as error:
        return [each for each in error.problems if each.path.startswith("defaults")]
    return []


# --- what follows from it ---------------------------------------------------------------------


def narrowed(rules: Rules, file: RepositoryFile) -> Rules:
    """The rules, and what the file asks for beside them: no right and no limit becomes larger."""
    limits = narrow(rules.limits, _limits(file))
    most = rules.around.limits.max_jobs
    lowered = limits.run != rules.limits.run
    return replace(
        rules,
        min_role=max(rules.min_role, Role[(file.min_role or "none").upper()]),
        lists=(*rules.lists, *_lists(file)),
        bots=rules.bots if (bots := _bots(file)) is None else rules.bots & bots,
        limits=limits,
        run_cap=said("{name} in {file}", name="max_cost_per_run", file=PATH)
        if lowered
        else rules.run_cap,
        around=replace(
            rules.around,
            limits=replace(rules.around.limits, max_jobs=min(most, file.max_jobs or most)),
            environment={**rules.around.environment, **_defaults(file)},
        ),
        max_images=_least(rules.max_images, file.max_images),
        language=file.language or rules.language,
        destination=file.destination or rules.destination,
    )


def _limits(file: RepositoryFile) -> Limits:
    return Limits(
        run=_money(file.max_cost_per_run),
        person_repository_day=_money(file.max_cost_per_person_and_day),
        repository_day=_money(file.max_cost_per_repository_and_day),
    )


def _lists(file: RepositoryFile) -> tuple[AllowList, ...]:
    if file.allowed_users is None and file.allowed_teams is None:
        return ()
    return (AllowList(frozenset(file.allowed_users or ()), frozenset(file.allowed_teams or ())),)


def _bots(file: RepositoryFile) -> frozenset[int] | None:
    """The ids of the bots that may spend; None: all that the operator allows.

    Who says which people may spend means nobody else: a bot is named there by its id, too.
    """
    if file.allowed_bots is not None:
        return frozenset(file.allowed_bots)
    people = [name for each in _lists(file) for name in each.people]
    return frozenset(int(name) for name in people if name.isdecimal()) if _lists(file) else None


def _defaults(file: RepositoryFile) -> Mapping[str, object]:
    return ({"model": file.model} if file.model else {}) | file.defaults


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _money(dollars: Decimal | None) -> Money | None:
    return None if dollars is None else Money.from_usd(dollars)


def json_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the file, for editors."""
    schema = RepositoryFile.model_json_schema(mode="validation")
    whole: Any = batch.json_schema()
    schema["$defs"] = {"Defaults": whole["$defs"]["Defaults"]}
    schema["properties"]["defaults"] = {"$ref": "#/$defs/Defaults"}
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | schema | {"title": PATH}
