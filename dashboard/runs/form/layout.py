"""Arranges the fields as the page shows them: the card of the model, and per stage its data, schedule, layers and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dashboard.runs.form import offers
from dashboard.runs.form.fields import Draft, FormField, Option, fields_of, lookup, task_fields, written
from dashboard.runs.form.model_card import ModelCard, OptionalPart, model_card, optional_part
from dashboard.runs.form.parsing import applies
from dashboard.runs.form.words import GROUPS
from trainer import config

Fields = dict[str, FormField]
SHOWN_FIRST = (
    "shape",
    "steps",
    "epochs",
    "peak_rate",
    "final_rate",
    "warmup_steps",
    "batch_size",
    "plateau_steps",
    "decay_interval",
    "decay_factor",
    "decay_steps",
)
ADVANCED = ("accumulation", "report_interval", "not_a_number", "compile")
EASY_BY_LENGTH = {"length": "1"}
STAGE_COLOURS = 5


@dataclass(frozen=True)
class SourcePart:
    path: str
    fields: Fields
    options: list[Option]


@dataclass(frozen=True)
class TaskPart:
    path: str
    kind: str
    was: str | None
    fields: Fields
    sources: list[SourcePart]
    errors: list[str]
    kinds: list[Option]


@dataclass(frozen=True)
class Layer:
    """A switch that lets one group of parameters train; `holds` says what is in it, by what the model reads, and which of these is so."""

    path: str
    group: str
    label: Any
    holds: list[tuple[str, Any, bool]]
    on: bool
    was: str | None


@dataclass(frozen=True)
class StagePart:
    """`origin` is the place of the stage in the recipe, from 1, or empty. `is_taken`: another run has trained it."""

    path: str
    position: int | str
    origin: int | str
    colour: int
    about: list[FormField]
    schedule: list[FormField]
    regularisation: list[FormField]
    precision: FormField
    lengths: list[FormField]
    layers: list[Layer]
    patterns: FormField
    tasks: list[TaskPart]
    weighting: FormField
    curriculum: OptionalPart
    advanced: list[FormField]
    is_advanced: bool
    errors: list[str]
    num_errors: int
    is_taken: bool


@dataclass(frozen=True)
class Page:
    model: ModelCard
    stages: list[StagePart]


def page_of(draft: Draft) -> Page:
    stages = lookup(draft.document, "stages", [])
    return Page(model_card(draft), [stage_part(f"stages.{index}", index, draft) for index in range(len(stages))])


def stage_part(path: str, index: int | None, draft: Draft) -> StagePart:
    """`index` is None for the blank that the page copies when a stage is added."""
    own = one_length(fields_of(config.Stage, path, draft))
    schedule = schedule_fields(path, draft)
    tasks = [task_part(f"{path}.tasks.{number}", draft) for number in range(len(lookup(draft.document, f"{path}.tasks", [])))]
    arranged = {**own, **schedule}
    own["task_weighting"].hidden = len(tasks) < 2 and own["task_weighting"].value == "fixed"
    if draft.family in offers.LANGUAGE:
        own["batch_size"].unit = _("rows")
    return StagePart(
        path=path,
        position="" if index is None else index + 1,
        origin=index + 1 if index is not None and lookup(draft.recipe, path) else "",
        colour=(index or 0) % STAGE_COLOURS + 1,
        about=[own["name"], own["description"]],
        schedule=[arranged[name] for name in SHOWN_FIRST],
        regularisation=list(fields_of(config.Regularisation, f"{path}.regularisation", draft).values()),
        precision=own["precision"],
        lengths=[own["seed"], own["validation_interval"], own["checkpoint_interval"]],
        layers=list(layers(path, draft)),
        patterns=patterns(own["trainable"], path, draft),
        tasks=tasks,
        weighting=own["task_weighting"],
        curriculum=optional_part(f"{path}.curriculum", config.Curriculum, draft, EASY_BY_LENGTH),
        advanced=[own[name] for name in ADVANCED],
        is_advanced=any(own[name].errors or own[name].value != default_of(name) for name in ADVANCED),
        errors=list(draft.errors.get(f"{path}.tasks", [])) + list(draft.errors.get(path, [])),
        num_errors=sum(len(found) for where, found in draft.errors.items() if where.startswith(f"{path}.")),
        is_taken=index is not None and index < draft.num_taken,
    )


def default_of(name: str) -> str:
    return written(config.Stage.model_fields[name].default)


def one_length(fields: Fields) -> Fields:
    """Steps or epochs: the one that is empty is hidden, and epochs where both are."""
    steps, epochs = fields["steps"], fields["epochs"]
    epochs.hidden = not epochs.value and not epochs.errors
    steps.hidden = not steps.value and not steps.errors and not epochs.hidden
    return fields


def schedule_fields(path: str, draft: Draft) -> Fields:
    fields = fields_of(config.Schedule, f"{path}.schedule", draft)
    shape = fields["shape"].value
    for name, each in fields.items():
        each.hidden = not applies(shape, name) and not each.errors
    return fields


def task_part(path: str, draft: Draft) -> TaskPart:
    kind = str(lookup(draft.document, f"{path}.kind", ""))
    numbers = range(len(lookup(draft.document, f"{path}.sources", [])))
    sources = [source_part(f"{path}.sources.{number}", kind, draft) for number in numbers]
    errors = [message for where in (f"{path}.sources", f"{path}.kind", path) for message in draft.errors.get(where, [])]
    return TaskPart(path, kind, lookup(draft.recipe, f"{path}.kind"), task_fields(path, draft), sources, errors, offers.tasks(draft, kind))


def source_part(path: str, kind: str, draft: Draft) -> SourcePart:
    fields = fields_of(config.Source, path, draft)
    return SourcePart(path, fields, offers.datasets(draft, kind, fields["dataset"].value))


def layers(path: str, draft: Draft) -> Iterator[Layer]:
    chosen = lookup(draft.document, f"{path}.trainable", config.GROUPS)
    recipe = None if draft.recipe is None else lookup(draft.recipe, f"{path}.trainable", ())
    speaks = draft.family in offers.LANGUAGE
    for group, (label, in_pictures, in_language) in GROUPS.items():
        was = None if recipe is None else ("on" if group in recipe else "")
        holds = [("pictures", in_pictures, not speaks), ("language", in_language, speaks)]
        yield Layer(f"{path}.trainable.{group}", group, label, holds, group in chosen, was)


def patterns(field: FormField, path: str, draft: Draft) -> FormField:
    """The text field beside the switches; its errors are those of the whole list."""
    recipe = lookup(draft.recipe, f"{path}.trainable", ()) if draft.recipe is not None else None
    field.path = f"{path}.trainable.patterns"
    field.value = without_groups(lookup(draft.document, f"{path}.trainable", ()))
    field.was = None if recipe is None else without_groups(recipe)
    return field


def without_groups(chosen: Any) -> str:
    return ", ".join(name for name in chosen if name not in config.GROUPS)


def blanks(draft: Draft) -> dict[str, Any]:
    """One empty part of each kind for the model of a draft, with marks that the page replaces by numbers."""
    stage: dict[str, Any] = {"name": "", "tasks": []}
    empty = Draft({"model": draft.document.get("model", {}), "stages": {"__stage__": stage}}, cards=draft.cards)
    path, task = "stages.__stage__", "stages.__stage__.tasks.__task__"
    source = source_part(f"{task}.sources.__source__", "", empty)
    return {"stage": stage_part(path, None, empty), "task": task_part(task, empty), "source": source}
