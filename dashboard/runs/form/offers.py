"""What a choice leaves to choose from: the tasks of a model family, the fields, data sets and difficulty measures of a task."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.utils.translation import gettext as _

from dashboard.runs.form import words
from dashboard.runs.form.fields import Draft, Option
from trainer import config
from trainer.config import FAMILIES, TASKS, TASKS_OF, Stage
from trainer.problems import NEEDS, QUANTIZED, check_curriculum

LANGUAGE = tuple(name for name, model in FAMILIES.items() if issubclass(model, config.LanguageModel))
OF_EVERY_QUANTIZATION = ("latency_samples", "max_drop")
MEASURES = ("length", "rarity", "entropy", "loss")


def families() -> list[Option]:
    return [Option(name, words.FAMILIES[name], True) for name in FAMILIES]


def tasks(draft: Draft, chosen: str) -> list[Option]:
    return [Option(kind, words.CHOICES[kind], kind in TASKS_OF[draft.family] or kind == chosen) for kind in TASKS]


def datasets(draft: Draft, kind: str, chosen: str) -> list[Option]:
    """Those that fit the task come first. One that is chosen stays, whether it fits, is gone, or is none."""
    found = [
        Option(card.name, card.title, fits(kind, card.columns) or card.name == chosen, " ".join(card.columns))
        for card in sorted(draft.cards.values(), key=lambda card: not fits(kind, card.columns))
    ]
    unknown = [Option(chosen, chosen or _("Choose a data set"), True)] if chosen not in draft.cards else []
    return [*unknown, *found]


def fits(kind: str, columns: tuple[str, ...]) -> bool:
    return kind not in NEEDS or any(set(group) <= set(columns) for group in NEEDS[kind])


def by_kind() -> dict[str, Any]:
    """For the page's scripts: what follows from the kind of a task."""
    return {
        kind: {"fields": list(task.model_fields), "needs": [list(group) for group in NEEDS[kind]], "measures": measures(kind)}
        for kind, task in TASKS.items()
    }


def by_family() -> dict[str, Any]:
    """For the page's scripts: what follows from the family of the model."""
    return {
        family: {"tasks": list(tasks), "language": family in LANGUAGE, "quantization": quantization_fields(family)}
        for family, tasks in TASKS_OF.items()
    }


def quantization_fields(family: str) -> list[str]:
    """What there is to settle of a quantization; nothing where the family has none. A language model is rounded without any training."""
    if family not in QUANTIZED:
        return []
    return [name for name in config.Quantization.model_fields if family not in LANGUAGE or name in OF_EVERY_QUANTIZATION]


@cache
def measures(kind: str) -> list[str]:
    """The difficulty measures that the data of a task has what for; the trainer's own check knows."""
    task = {"kind": kind, "sources": [{"dataset": "any"}]}
    stage = Stage.model_validate({"name": "-", "steps": 1, "tasks": [task], "curriculum": dict.fromkeys(MEASURES, 1)})
    blind = {problem.path[-1] for problem in check_curriculum(stage, ())}
    return [measure for measure in MEASURES if measure not in blind]
