"""From the names and values of a POST back to the nested document that `trainer.config.Run` validates."""

from __future__ import annotations

import re
from typing import Any

from django.http import QueryDict

from dashboard.runs.form.fields import optional, switches
from trainer.config import FAMILIES, GROUPS, SHAPE_FIELDS, TASKS, Run, Schedule, Settings, Stage, family_of

MAX_PARTS = 100
LISTS = ("widths", "depths")
ROOTS = ("model", "stages", "num_threads", "quantization", "evaluate", "tensorboard")
Tree = dict[str, Any]


def document_of(posted: QueryDict) -> dict[str, Any]:
    """Nested and in order; gaps in the numbering close. Values stay the text that was typed, so that a page can show it again."""
    tree: Tree = {}
    for name in posted:
        if name.split(".")[0] in ROOTS and name.count(".") < 10:
            put(tree, name.split("."), str(posted[name]).strip())
    tree["stages"] = [stage_of(stage) for stage in in_order(tree.get("stages"))]
    tree["quantization"] = switched_on(tree.get("quantization"))
    if isinstance(model := tree.get("model"), dict):
        tree["model"] = model_of(model)
    return switched(tree, Run)


def put(tree: Tree, path: list[str], value: str) -> None:
    """A name that contradicts another one (`a` and `a.b`) is dropped: no form sends it."""
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
        if not isinstance(tree, dict):
            return
    tree.setdefault(path[-1], value)


def in_order(parts: Any) -> list[Tree]:
    """The parts of `{"0": ..., "2": ...}` by number."""
    if not isinstance(parts, dict):
        return []
    numbers = sorted(
        (name for name in parts if name.isascii() and name.isdigit() and len(name) < 10 and isinstance(parts[name], dict)), key=int
    )
    return [parts[name] for name in numbers[:MAX_PARTS]]


def stage_of(stage: Tree) -> Tree:
    stage["tasks"] = [task_of(task) for task in in_order(stage.get("tasks"))]
    stage["trainable"] = trainable_of(stage.get("trainable"))
    stage["curriculum"] = switched_on(stage.get("curriculum"))
    leave_empty(stage, Stage)
    if isinstance(schedule := stage.get("schedule"), dict):
        leave_empty(schedule, Schedule)
    return switched(stage, Stage)


def task_of(task: Tree) -> Tree:
    """Fields of other kinds than the chosen one are left out."""
    task["sources"] = in_order(task.get("sources"))
    kind = TASKS.get(str(task.get("kind")))
    return {name: value for name, value in task.items() if kind is None or name in kind.model_fields}


def trainable_of(given: Any) -> list[str]:
    """Switches of the groups, then the patterns of the text field."""
    if not isinstance(given, dict):
        return []
    switched = [group for group in GROUPS if group in given]
    return switched + [pattern for pattern in re.split(r"[\s,]+", str(given.get("patterns", ""))) if pattern]


def switched_on(given: Any) -> Any:
    """A part that may be left out: None where its switch is off."""
    if not isinstance(given, dict) or "enabled" not in given:
        return None
    return {name: value for name, value in given.items() if name != "enabled"}


def switched(part: Tree, model: type[Settings]) -> Tree:
    """A browser sends a switch only when it is on."""
    return part | {name: name in part for name in switches(model)}


def leave_empty(part: Tree, model: type[Settings]) -> None:
    for name in optional(model):
        if part.get(name) == "":
            part[name] = None


def model_of(model: Tree) -> Tree:
    """Fields of other families than the chosen one are left out."""
    family = FAMILIES.get(str(family_of(model)))
    if family is None:
        return model
    own = {name: value for name, value in model.items() if name in family.model_fields}
    leave_empty(own, family)
    split_lists(own)
    return own


def split_lists(model: Tree) -> None:
    if isinstance(image := model.get("image"), dict):
        for name in LISTS:
            if isinstance(image.get(name), str):
                image[name] = [each for each in re.split(r"[\s,]+", image[name]) if each]


def applies(shape: Any, name: str) -> bool:
    """Whether a field of the schedule is read by the shape; peak and warm-up always are."""
    optional = {each for names in SHAPE_FIELDS.values() for each in names}
    return name not in optional or name in SHAPE_FIELDS.get(str(shape), ())
