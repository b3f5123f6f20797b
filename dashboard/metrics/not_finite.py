"""Where a metric is no finite number: the heads say it, however long the run is."""

from __future__ import annotations

from dashboard.metrics.models import Series
from dashboard.metrics.parts import Ask, Material, Piece
from dashboard.runs.models import Run


def not_finite_steps(run: Run, metric: str) -> list[tuple[int, int]]:
    """Returns the first such (stage, step) of every attempt, without what a later one made again. Four queries."""
    parts = Material.of([run], [metric]).parts(Ask(run, Piece(metric)))
    steps = dict(Series.objects.filter(pk__in=[part.head.pk for part in parts]).values_list("pk", "not_finite"))
    return [(part.stage, step) for part in parts for step in steps[part.head.pk] if step <= part.high]
