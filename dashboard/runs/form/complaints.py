"""Puts every complaint at its field: pydantic's locations and the plan's problems become paths of the form."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import ValidationError

from dashboard.runs.form.fields import leaves, lookup, optional
from trainer import catalog, plan
from trainer.catalog import Card
from trainer.config import FAMILIES, TASKS, Run, Schedule, Stage, family_of
from trainer.plan import Problem

Complaints = dict[str, list[str]]
SCALAR_LISTS = ("widths", "depths", "trainable")
# Fields that a complaint about a whole part may name although the document leaves them out.
NAMED = {*optional(Stage), *optional(Schedule), *(name for model in FAMILIES.values() for name, _info in leaves(model))}


def checked(document: Mapping[str, Any]) -> tuple[Run | None, Complaints]:
    """Returns the config, None where it cannot be read, and what is wrong by the path of its field: with anything in it, nothing starts."""
    found: Complaints = defaultdict(list)
    try:
        run = Run.model_validate(document)
    except ValidationError as error:
        for each in filter(is_news, error.errors(include_url=False)):
            found[path_of(each["loc"], each["msg"], document)].append(sentence(each))
        run = None
    for problem in plan.check(run, cards()) if run else about_data(document):
        if problem.blocks:
            found[path_of(problem.path, "", document)].append(capital(_(problem.message)))
    return run, dict(found)


def cards() -> Mapping[str, Card]:
    return catalog.load([settings.DATASETS_DIR])


def about_data(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What can be said of the data while other fields are wrong: each task is checked as if it were a run of its own."""
    there = cards()
    for stage, number, task in tasks_in(document):
        with suppress(ValidationError):
            for problem in plan.check(alone(task, document), there):
                if problem.path[:4] == ("stages", 0, "tasks", 0):
                    yield replace(problem, path=("stages", stage, "tasks", number, *problem.path[4:]))


def tasks_in(document: Mapping[str, Any]) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """Whatever in the document looks like a task, with its places."""
    for stage, each in enumerate(listed(document, "stages")):
        yield from ((stage, number, task) for number, task in enumerate(listed(each, "tasks")) if isinstance(task, Mapping))


def listed(part: Any, name: str) -> list[Any]:
    found = part.get(name) if isinstance(part, Mapping) else None
    return found if isinstance(found, list) else []


def alone(task: Mapping[str, Any], document: Mapping[str, Any]) -> Run:
    """The smallest run with the kind and the data sets of a task. Raises ValidationError where these are wrong themselves."""
    sources = [{"dataset": source.get("dataset")} for source in listed(task, "sources") if isinstance(source, Mapping)]
    stage = {"name": "-", "steps": 1, "tasks": [{"kind": task.get("kind"), "sources": sources}]}
    return Run.model_validate({"model": {"family": family_of(document.get("model", {}))}, "stages": [stage], "quantization": None})


def is_news(error: Any) -> bool:
    """A list whose parts are all wrong is not called empty as well."""
    return not (error["type"] == "too_short" and error["input"])


def path_of(loc: Sequence[str | int], message: str, document: Mapping[str, Any]) -> str:
    """The path of the input, or of the group of inputs, that a location is about."""
    steps = without_tag([str(step) for step in loc])
    for name in SCALAR_LISTS:
        if name in steps:
            return ".".join(steps[: steps.index(name) + 1])
    path = ".".join(steps)
    return named_in(message, path, lookup(document, path)) or path


def without_tag(steps: list[str]) -> list[str]:
    """pydantic names the family of a model, and the kind of a task between its number and its field."""
    if steps[:1] == ["model"] and steps[1:2] and steps[1] in FAMILIES:
        return ["model", *steps[2:]]
    return [step for place, step in enumerate(steps) if not (step in TASKS and place >= 2 and steps[place - 2] == "tasks")]


def named_in(message: str, path: str, part: Any) -> str | None:
    """A complaint about a whole part goes to the first of its fields that the sentence names."""
    if not message.startswith("Value error") or not isinstance(part, Mapping):
        return None
    if "shares" in message and part.get("sources"):
        return f"{path}.sources.0.share"
    words = [word for word in re.findall(r"[a-z_]+", message) if word not in ("shape", "tasks")]
    names = [word for word in words if word in part or word in NAMED]
    names = names or (["tasks"] if "task" in message else [])
    return f"{path}.{names[0]}" if names else None


def sentence(error: Any) -> str:
    """Short and in the reader's language; what has no translation of its own keeps pydantic's words."""
    context = {name: plain(value) for name, value in (error.get("ctx") or {}).items()}
    loc = error["loc"]
    if error["type"] in ("too_short", "missing") and loc[-1] == "sources":
        return _("Add a data set: this task has no data.")
    if error["type"] in ("too_short", "missing") and loc[-1] == "tasks":
        return _("Add a task: this stage has no data.")
    sentences = {
        "missing": _("Fill in this field."),
        "extra_forbidden": _("There is no such field."),
        "greater_than": _("Must be greater than %(gt)s."),
        "greater_than_equal": _("Must be at least %(ge)s."),
        "less_than": _("Must be less than %(lt)s."),
        "less_than_equal": _("Must be at most %(le)s."),
        "float_parsing": _("Write a number, such as 0.1 or 3e-4."),
        "int_parsing": _("Write a whole number."),
        "int_from_float": _("Write a whole number."),
        "finite_number": _("Write a finite number."),
        "string_too_short": _("Fill in this field."),
        "string_pattern_mismatch": _("Choose a data set."),
        "union_tag_invalid": _("There is no such choice."),
        "union_tag_not_found": _("There is no such choice."),
    }
    if error["type"] in sentences:
        return sentences[error["type"]] % context
    return capital(_(str(error["msg"]).removeprefix("Value error, ")))


def capital(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}"


def plain(value: Any) -> Any:
    """A bound as a person writes it: 0 and 10,000,000."""
    return f"{int(value):,}" if isinstance(value, int | float) and value == int(value) else value
