"""What the tab of a run shows of its newest quantization."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest

from dashboard.quantizations.again import can_ask
from dashboard.quantizations.curve import curve_of
from dashboard.quantizations.flips import Flips, flips_of
from dashboard.quantizations.ledger import EAGER, REFERENCE, Ledger, ledger_of
from dashboard.runs.models import HELD, Quantization, Run, Status

# What a worker says while it trains with rounding.
TRAINING = "Training with the rounding of INT8"


def newest(run: Run) -> Quantization | None:
    return Quantization.objects.filter(run=run).order_by("-pk").first()


def content(request: HttpRequest, run: Run) -> dict[str, Any]:
    """`?flipped=PRECISION` chooses whose flipped samples are listed; without it those of the winner."""
    job = newest(run)
    if job is None:
        raise Http404("This run has no quantization.")
    ledger, curve = ledger_of(job), curve_of(job)
    return {
        "job": job,
        "ledger": ledger,
        "curve": curve,
        "has_curve": bool(curve["metrics"]),
        "is_training": bool(curve["metrics"]) and job.progress.get("what") == TRAINING,
        "is_under_way": job.status in (*HELD, Status.QUEUED),
        "can_ask": can_ask(run),
        **flipped(job, ledger, request.GET.get("flipped", "")),
    }


def flipped(job: Quantization, ledger: Ledger, chosen: str) -> dict[str, Any]:
    offered = [line for line in ledger.lines if line.precision not in (REFERENCE, EAGER) and line.row.get("num_flipped") is not None]
    line = next((line for line in offered if line.precision == chosen), ledger.hero if ledger.hero in offered else None)
    if not job.flipped or line is None:
        return {"flips": None}
    found: Flips | None = None
    try:
        found = flips_of(job, line.precision)
    except ValueError as error:
        return {"flips": None, "flips_problem": str(error)}
    return {"flips": found, "flips_of": offered, "is_elsewhere": found is None}
