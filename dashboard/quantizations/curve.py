"""The loss and the rate of the training with rounding, as the page draws them while it runs and afterwards."""

from __future__ import annotations

from typing import Any

from dashboard.metrics.parts import BEGINNING, END, Part, heads_of
from dashboard.metrics.reading import read_parts
from dashboard.runs.models import Attempt, Quantization
from trainer.events import LEARNING_RATE, LOSS

METRICS = (LOSS, LEARNING_RATE)
MAX_POINTS = 500


def curve_of(job: Quantization) -> dict[str, Any]:
    """Steps and values by metric of the newest attempt, for a quantization begins anew with each; `stage` is how its points are called
    on the wire. Empty where nothing is trained."""
    attempt = Attempt.objects.filter(job=job).order_by("-number").first()
    heads = heads_of({job.pk: [attempt]}, METRICS) if attempt else {}
    if attempt is None or len(heads) < len(METRICS):
        return {"stage": job.position, "attempt": attempt.number if attempt else 0, "metrics": {}}
    parts = [[Part(heads[attempt.pk, metric], job.position, attempt, BEGINNING, END)] for metric in METRICS]
    curves = dict(zip(METRICS, read_parts(parts, MAX_POINTS), strict=True))
    told = {metric: {"step": curve.step.tolist(), "value": curve.value.tolist()} for metric, curve in curves.items()}
    return {"stage": job.position, "attempt": attempt.number, "metrics": told}
