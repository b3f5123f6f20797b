"""The evaluations of a run as a list: whose checkpoint, on what, how far it is, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.utils.translation import gettext as _

from dashboard.numbers import number, percent
from dashboard.runs.models import HELD, Evaluation, Run, Status


@dataclass(frozen=True)
class Line:
    evaluation: Evaluation

    @property
    def checkpoint(self) -> str:
        """The step that the weights are of."""
        if self.evaluation.checkpoint:
            return number(int(PurePosixPath(self.evaluation.checkpoint).name.rpartition("-")[2]))
        return number(self.evaluation.of_stage.last_step)

    @property
    def data(self) -> str:
        names = [each["name"] for each in self.evaluation.figures.get("datasets", [])]
        return ", ".join(names) or self.evaluation.dataset or _("the stage's data")

    @property
    def result(self) -> str:
        """The figure that evaluations are compared by."""
        return headline(self.evaluation.figures, self.evaluation.split)

    @property
    def is_under_way(self) -> bool:
        return self.evaluation.status in (*HELD, Status.QUEUED)


def headline(figures: Mapping[str, Any], split: str) -> str:
    if found := figures.get("classification"):
        return percent(found["accuracy"])
    if found := figures.get("language"):
        return _("perplexity %(value)s") % {"value": number(found[0]["perplexity"])}
    return _("loss %(value)s") % {"value": number(figures[f"{split}/loss"])} if f"{split}/loss" in figures else ""


def lines(run: Run) -> list[Line]:
    """The newest first."""
    found = Evaluation.objects.filter(run=run).select_related("of_stage", "asked_by").order_by("-pk")
    return [Line(each) for each in found]
