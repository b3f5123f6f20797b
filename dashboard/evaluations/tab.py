"""What the tab of a run shows of its evaluations."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from dashboard.evaluations import choices, figures
from dashboard.evaluations.lines import Line, lines
from dashboard.evaluations.samples import Samples, asked_of, samples
from dashboard.runs.models import Evaluation, Run, Status


def content(request: HttpRequest, run: Run) -> dict[str, Any]:
    """`?evaluation=ID` chooses one; without it the newest that is done."""
    found = lines(run)
    chosen = next((line for line in found if str(line.evaluation.pk) == request.GET.get("evaluation")), newest_done(found))
    context: dict[str, Any] = {
        "evaluations": found,
        "chosen": chosen,
        "checkpoints": choices.checkpoints(run),
        "datasets": choices.datasets(run),
    }
    if chosen and chosen.evaluation.figures:
        asked = asked_of(request.GET)
        context |= {"figures": shown(chosen.evaluation), "asked": asked, **samples_of(chosen.evaluation, request)}
    return context


def newest_done(found: list[Line]) -> Line | None:
    done = (line for line in found if line.evaluation.status == Status.COMPLETED)
    return next(done, found[0] if found else None)


def shown(evaluation: Evaluation) -> dict[str, Any]:
    told = evaluation.figures
    found = {"answer": figures.answer(told), "remark": figures.remark(told), "language": told.get("language", [])}
    classified = told.get("classification")
    found["has_answers"] = bool(classified) or any(each["exact_match"] is not None for each in found["language"])
    if classified:
        found |= {
            "headline": figures.headline(told),
            "classes": classified["classes"],
            "confusion": figures.confusion(classified),
            "reliability": figures.reliability(classified),
            "slices": figures.slices(classified),
            "views": figures.views(classified),
        }
    return found


def samples_of(evaluation: Evaluation, request: HttpRequest) -> dict[str, Any]:
    found: Samples | None = None
    try:
        found = samples(evaluation, asked_of(request.GET))
    except ValueError as error:
        return {"samples": None, "samples_problem": str(error)}
    return {"samples": found}
