"""A config as a reader wants it: one flat list of fields per group, lists of data sets and tasks written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from dashboard.runs.models import Stage

GROUP_NAMES: dict[str, Any] = {
    "": _("Length and batches"),
    "tasks": _("Tasks and data"),
    "schedule": _("Learning rate"),
    "regularisation": _("Regularisation"),
    "curriculum": _("Curriculum"),
    "image": _("Picture encoder"),
    "text": _("Text encoder"),
    "fusion": _("Fusion"),
    "model": _("Model"),
    "run": _("Run"),
    "quantization": _("Quantization"),
}
SHOWN_ELSEWHERE = ("name", "description")


@dataclass(frozen=True)
class Group:
    title: Any
    fields: list[tuple[str, str]]


def readable_stage(stage: Stage) -> list[Group]:
    config = {name: value for name, value in stage.config.items() if name not in SHOWN_ELSEWHERE}
    parts = {name: config.pop(name) for name in ("schedule", "regularisation", "curriculum") if config.get(name)}
    groups = {"tasks": dict(task_fields(config.pop("tasks"))), "": config, **parts}
    return [group(name, fields) for name, fields in groups.items()]


def readable_model(config: Mapping[str, Any]) -> list[Group]:
    """The model, the threads and the quantization, which the stages share."""
    model = dict(config["model"])
    groups = {name: model.pop(name) for name in ("image", "text") if name in model}
    groups["fusion" if groups else "model"] = model
    groups["run"] = {name: config.get(name) for name in ("num_threads", "evaluate", "tensorboard")}
    if config.get("quantization"):
        groups["quantization"] = config["quantization"]
    return [group(name, fields) for name, fields in groups.items()]


def group(name: str, fields: Mapping[str, Any]) -> Group:
    """Fields that are not set have no effect and are left out."""
    return Group(GROUP_NAMES[name], [(field, text(value)) for field, value in fields.items() if value not in (None, "")])


def task_fields(tasks: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """One line per task: weight, own settings, data sets with their shares in percent."""
    for task in tasks:
        own = [f"{name} {text(value)}" for name, value in task.items() if name not in ("kind", "sources")]
        yield task["kind"], ", ".join([*own, mixture(task["sources"])])


def mixture(sources: list[dict[str, Any]]) -> str:
    total = sum(source["share"] for source in sources)
    return " + ".join(f"{source['dataset']} {100 * source['share'] / total:.4g}\u00a0%" for source in sources)


def text(value: Any) -> str:
    """Numbers short, small ones as 3e-4; lists with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return rate(value) if 0 < abs(value) < 1e-3 else f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(text(each) for each in value)
    return str(value)


def rate(value: float) -> str:
    digits, power = f"{value:.3e}".split("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
