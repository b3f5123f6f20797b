"""The newest loss of many runs at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dashboard.metrics.models import Series
from trainer.events import LOSS, encode


def latest_losses(run_ids: Sequence[int]) -> dict[int, float | str]:
    """Returns the last training loss by run, in one query; runs without a point are left out."""
    heads = Series.objects.filter(attempt__job__run__in=run_ids, metric=LOSS).order_by("attempt")
    found = dict(heads.values_list("attempt__job__run_id", "last_value"))
    return {run_id: encode(math.nan if value is None else value) for run_id, value in found.items()}


def latest_losses_of(job_ids: Sequence[int]) -> dict[int, float]:
    """The same by job."""
    heads = Series.objects.filter(attempt__job__in=job_ids, metric=LOSS).order_by("attempt")
    found = dict(heads.values_list("attempt__job_id", "last_value"))
    return {job_id: math.nan if value is None else value for job_id, value in found.items()}
