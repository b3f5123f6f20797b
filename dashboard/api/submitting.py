"""From the body of `POST /runs` or of a fork to a checked config; every complaint carries the path of its field."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from dashboard.accounts.models import Project, User
from dashboard.api.shapes import ForkIn, SubmitIn
from dashboard.runs.fork import ForkRefused, fork
from dashboard.runs.models import Run
from dashboard.runs.names import suggest
from trainer import catalog, config, plan, recipes


class Refused(Exception):
    """Answered with 422; `errors` is a list of {"loc": path, "msg": sentence}."""

    def __init__(self, *errors: tuple[Sequence[str | int], str]) -> None:
        super().__init__("; ".join(message for _, message in errors))
        self.errors = [{"loc": list(path), "msg": message} for path, message in errors]


def suggest_name() -> str:
    return suggest()


def only_project(projects: list[Project]) -> Project:
    if len(projects) != 1:
        raise Refused((["project"], f"name the project: you may start runs in {len(projects)} of them"))
    return projects[0]


def config_of(body: SubmitIn) -> config.Run:
    """Returns the validated config. Raises Refused, or pydantic's ValidationError with paths inside `config`."""
    if (body.config is None) == (not body.recipe):
        raise Refused((["config"], "give a recipe or a config, one of the two"))
    return checked(body.config if body.config is not None else overridden(body))


def checked(document: dict[str, Any]) -> config.Run:
    run = config.Run.model_validate(document)
    problems = [problem for problem in plan.check(run, catalog.load([settings.DATASETS_DIR])) if problem.blocks]
    if problems:
        raise Refused(*((["config", *problem.path], problem.message) for problem in problems))
    return run


def overridden(body: SubmitIn) -> dict[str, Any]:
    known = recipes.load()
    if body.recipe not in known:
        raise Refused((["recipe"], f"there is no recipe {body.recipe!r}; there are {', '.join(known)}"))
    document = known[body.recipe].config.model_dump(mode="json")
    merged: dict[str, Any] = merge(document, body.overrides, ["overrides"])
    return merged


def forked(parent: Run, body: ForkIn, owner: User) -> Run:
    """Submits a fork. Raises Refused, pydantic's ValidationError, WrongState."""
    settled = checked(merge(parent.config, body.overrides, ["overrides"]))
    try:
        return fork(parent, body.stage, owner, body.name or suggest(), settled)
    except ForkRefused as refusal:
        raise Refused(*((path if path == ("stage",) else ["overrides", *path], message) for path, message in refusal.errors)) from None


def merge(document: Any, changes: Any, path: list[str | int]) -> Any:
    """Lays changes over a document: objects merge by key, lists by index (`{"stages": {"0": {...}}}`), the rest is replaced."""
    if not isinstance(changes, dict) or not isinstance(document, dict | list):
        return changes
    merged = copy.copy(document)
    for key, value in changes.items():
        place = index_in(document, key, [*path, key]) if isinstance(document, list) else key
        known = isinstance(document, list) or key in document
        merged[place] = merge(document[place], value, [*path, key]) if known else value
    return merged


def index_in(document: list[Any], key: str, path: list[str | int]) -> int:
    if not key.isdecimal() or len(key) > 4 or int(key) >= len(document):
        raise Refused((path, f"there is no item {key}; the list has {len(document)}, counted from 0"))
    return int(key)
