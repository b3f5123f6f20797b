"""The newest loss of many runs at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from dashboard.metrics.models import Chunk
from dashboard.metrics.packing import unpack
from trainer.events import LOSS, encode


def latest_losses(run_ids: Sequence[int]) -> dict[int, float | str]:
    """Returns the last training loss by run, in two queries; runs without a point are left out."""
    newest = Chunk.objects.filter(attempt__job__run__in=run_ids, metric=LOSS).values("attempt__job__run").annotate(newest=Max("pk"))
    chunks = Chunk.objects.filter(pk__in=[row["newest"] for row in newest]).select_related("attempt__job")
    return {chunk.attempt.job.run_id: encode(float(unpack(chunk.steps, chunk.values)[1][-1])) for chunk in chunks}
