"""Arranges the fields as the page shows them: the model and the run, and per stage its data, schedule, layers and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dashboard.runs.form.fields import Draft, FormField, fields_of, lookup, task_fields
from dashboard.runs.form.parsing import applies
from dashboard.runs.form.words import CHOICES, GROUPS
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
)
STAGE_COLOURS = 5


@dataclass(frozen=True)
class SourcePart:
    path: str
    fields: Fields


@dataclass(frozen=True)
class TaskPart:
    path: str
    kind: str
    fields: Fields
    sources: list[SourcePart]
    errors: list[str]
    kinds: dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """A switch that lets one group of parameters train."""

    path: str
    group: str
    label: Any
    help: Any
    on: bool
    was: str | None


@dataclass(frozen=True)
class StagePart:
    """`origin` is the place of the stage in the recipe, from 1; empty for one that the recipe has not."""

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
    errors: list[str]
    num_errors: int


@dataclass(frozen=True)
class Page:
    """`model_is_wrong`: something outside the stages is."""

    model: list[tuple[str, list[FormField]]]
    model_is_wrong: bool
    num_threads: FormField
    quantize: bool
    quantize_was: str | None
    quantization: list[FormField]
    stages: list[StagePart]


def page_of(draft: Draft) -> Page:
    stages = lookup(draft.document, "stages", [])
    quantization = draft.document.get("quantization", {})
    return Page(
        model=[(name, list(fields.values())) for name, fields in model_fields(draft)],
        model_is_wrong=any(path.split(".")[0] in ("model", "quantization", "num_threads") for path in draft.errors),
        num_threads=fields_of(config.Run, "", draft)["num_threads"],
        quantize=quantization is not None,
        quantize_was=None if draft.recipe is None else "on" if draft.recipe.get("quantization") else "",
        quantization=list(fields_of(config.Quantization, "quantization", draft).values()),
        stages=[stage_part(f"stages.{index}", index, draft) for index in range(len(stages))],
    )


def model_fields(draft: Draft) -> Iterator[tuple[str, Fields]]:
    yield "image", fields_of(config.ImageEncoder, "model.image", draft)
    yield "text", fields_of(config.TextEncoder, "model.text", draft)
    yield "model", fields_of(config.ImageTextModel, "model", draft)


def stage_part(path: str, index: int | None, draft: Draft) -> StagePart:
    """`index` is None for the blank that the page copies when a stage is added."""
    own = one_length(fields_of(config.Stage, path, draft))
    schedule = schedule_fields(path, draft)
    tasks = [task_part(f"{path}.tasks.{number}", draft) for number in range(len(lookup(draft.document, f"{path}.tasks", [])))]
    arranged = {**own, **schedule}
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
        errors=list(draft.errors.get(f"{path}.tasks", [])) + list(draft.errors.get(path, [])),
        num_errors=sum(len(found) for where, found in draft.errors.items() if where.startswith(f"{path}.")),
    )


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
    numbers = range(len(lookup(draft.document, f"{path}.sources", [])))
    sources = [SourcePart(f"{path}.sources.{number}", fields_of(config.Source, f"{path}.sources.{number}", draft)) for number in numbers]
    errors = [message for where in (f"{path}.sources", f"{path}.kind", path) for message in draft.errors.get(where, [])]
    kind = str(lookup(draft.document, f"{path}.kind", ""))
    return TaskPart(path, kind, task_fields(path, draft), sources, errors, {name: CHOICES[name] for name in config.TASKS})


def layers(path: str, draft: Draft) -> Iterator[Layer]:
    chosen = lookup(draft.document, f"{path}.trainable", config.GROUPS)
    recipe = None if draft.recipe is None else lookup(draft.recipe, f"{path}.trainable", ())
    for group, (label, text) in GROUPS.items():
        was = None if recipe is None else ("on" if group in recipe else "")
        yield Layer(f"{path}.trainable.{group}", group, label, text, group in chosen, was)


def patterns(field: FormField, path: str, draft: Draft) -> FormField:
    """The text field beside the switches; its errors are those of the whole list."""
    recipe = lookup(draft.recipe, f"{path}.trainable", ()) if draft.recipe is not None else None
    field.path = f"{path}.trainable.patterns"
    field.value = without_groups(lookup(draft.document, f"{path}.trainable", ()))
    field.was = None if recipe is None else without_groups(recipe)
    return field


def without_groups(chosen: Any) -> str:
    return ", ".join(name for name in chosen if name not in config.GROUPS)


def blanks() -> dict[str, Any]:
    """One empty part of each kind, with marks that the page replaces by numbers."""
    stage: dict[str, Any] = {"name": "", "tasks": []}
    draft = Draft({"stages": {"__stage__": stage}})
    path = "stages.__stage__"
    source = SourcePart(
        f"{path}.tasks.__task__.sources.__source__", fields_of(config.Source, f"{path}.tasks.__task__.sources.__source__", draft)
    )
    return {"stage": stage_part(path, None, draft), "task": task_part(f"{path}.tasks.__task__", draft), "source": source}
