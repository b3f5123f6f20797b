"""Compares runs stage by stage: the answer first, then matrix, curves and the fields that differ."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard.accounts import access
from dashboard.compare.differences import differences
from dashboard.compare.matrix import METRICS, Matrix, matrix_of
from dashboard.compare.verdict import verdict
from dashboard.metrics.reading import axis_names, metric_names
from dashboard.runs.models import Run
from dashboard.runs.rows import some
from dashboard.templatetags.anneal import STATUS_ICONS

MOST_RUNS = 8
NUM_COLOURS = 8
CHOICES = 50
FIRST_CURVE = "validation/loss"
MEASURES = {"samples": "progress/samples", "tokens": "progress/tokens", "active": "progress/wall"}


@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """`?runs=1,2` (or `runs` several times), `baseline`, `metric` and `curve` are all in the URL."""
    wanted = run_ids(request)
    runs = [access.get_run(request.user, run_id) for run_id in wanted[:MOST_RUNS]]
    chooser = {"choices": choices(request, wanted), "wanted": wanted}
    if len(runs) < 2:
        return render(request, "compare/page.html", {**chooser, "chosen": runs})
    return render(
        request, "compare/page.html", {**chooser, **comparison(request, baseline_first(request, runs)), "num_wanted": len(wanted)}
    )


def run_ids(request: HttpRequest) -> list[int]:
    """Each run once, in the order given. What is no number is no run."""
    words = [word.strip() for text in request.GET.getlist("runs") for word in text.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() and len(word) < 18 for word in words):
        raise Http404("No such run.")
    return list(dict.fromkeys(int(word) for word in words))


def choices(request: HttpRequest, wanted: list[int]) -> list[Run]:
    return some(access.runs(request.user).exclude(pk__in=wanted), 0, CHOICES)


def baseline_first(request: HttpRequest, runs: list[Run]) -> list[Run]:
    baseline = request.GET.get("baseline", "")
    return sorted(runs, key=lambda run: str(run.pk) != baseline)


def comparison(request: HttpRequest, runs: list[Run]) -> dict[str, Any]:
    found = differences([run.config for run in runs])
    metric = request.GET.get("metric", "")
    matrix = matrix_of(runs, metric if metric in METRICS else "accuracy", found)
    colours = colours_of(runs)
    curves = curves_of(runs)
    curve = request.GET.get("curve", FIRST_CURVE)
    curve = curve if curve in curves else FIRST_CURVE if FIRST_CURVE in curves else next(iter(curves), FIRST_CURVE)
    return {
        "runs": runs,
        "columns": [{"run": run, "colour": colours[run.pk], "is_baseline": place == 0} for place, run in enumerate(runs)],
        "matrix": matrix,
        "metrics": METRICS,
        "metric_label": METRICS[matrix.metric],
        "stage_icons": STATUS_ICONS,
        "verdict": verdict(matrix, found),
        "differences": found,
        "curves": curves,
        "curve": curve,
        "data": page_data(runs, colours, matrix, curve),
    }


def colours_of(runs: list[Run]) -> dict[int, int]:
    """A run keeps the colour of its number; where two in one picture share it, the later one takes the next that is free."""
    taken: dict[int, int] = {}
    for run in sorted(runs, key=lambda run: run.pk):
        wishes = [(run.number - 1 + shift) % NUM_COLOURS + 1 for shift in range(NUM_COLOURS)]
        taken[run.pk] = next(wish for wish in wishes if wish not in taken.values())
    return taken


def curves_of(runs: list[Run]) -> list[str]:
    return sorted({name for run in runs for name in metric_names(run)})


def measures_of(runs: list[Run]) -> list[str]:
    """What x can count in every one of these runs."""
    names = [axis_names(run) for run in runs]
    return ["step", *(measure for measure, metric in MEASURES.items() if all(metric in each for each in names))]


def page_data(runs: list[Run], colours: dict[int, int], matrix: Matrix, curve: str) -> dict[str, Any]:
    return {
        "curve": curve,
        "measures": measures_of(runs),
        "many": reverse("api:read_many_series"),
        "units": {"s": _("s"), "m": _("m"), "h": _("h"), "d": _("d")},
        "runs": [{"id": run.pk, "name": run.name, "colour": colours[run.pk]} for run in runs],
        "stages": [
            {
                "index": row.index,
                "name": row.name,
                "num_steps": max(cell.stage.num_steps for cell in row.cells if cell.stage),
                "runs": [run.pk for run, cell in zip(runs, row.cells, strict=True) if cell.stage],
            }
            for row in matrix.rows
        ],
        "words": {
            "none": _("No run has measured this here"),
            "sentence": _("{metric}, {stage}: {runs}"),
            "ends": _("{run} ends at {value}"),
            "failed": _("The curves could not be loaded."),
            "try_again": _("Try again"),
            "step": _("step"),
            "samples": _("samples"),
            "tokens": _("tokens"),
        },
    }
