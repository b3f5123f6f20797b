"""What evaluations have said of checkpoints, also after they were registered: a version shows the newest figures there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboard.registry.models import FP32, Version
from dashboard.runs.models import Evaluation, Run, Stage, Status

OF_LANGUAGE = ("perplexity", "bits_per_byte", "exact_match")


def evaluations_of(stages: Sequence[Stage]) -> defaultdict[int, dict[str, Any]]:
    """Returns by stage what evaluations of its last checkpoint on its own data found. One query."""
    trained = {stage.trained_by for stage in stages} | {stage.pk for stage in stages}
    done = Evaluation.objects.filter(of_stage__in=trained, status=Status.COMPLETED, checkpoint="", dataset="").order_by("pk")
    by_stage: dict[int, dict[str, Any]] = defaultdict(dict)
    for evaluation in done:
        by_stage[evaluation.of_stage_id] |= dict(metrics_in(evaluation.figures))
    found = defaultdict[int, dict[str, Any]](dict)
    for stage in stages:
        found[stage.pk] = {**by_stage[stage.trained_by], **by_stage[stage.pk]}
    return found


def metrics_in(figures: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields the numbers that are told of a split as a whole, under the names that stages use for them."""
    split = figures.get("split", "")
    for name, value in figures.items():
        if name.startswith(f"{split}/") and isinstance(value, int | float | str):
            yield name, value
    for each in figures.get("language", ()):
        for name in OF_LANGUAGE:
            if each.get(name) is not None:
                yield f"{split}/{each['task']}/{each['dataset']}/{name}", each[name]


def take_newest(versions: Sequence[Version]) -> None:
    """Adds to the metrics of checkpoints whose run is still there what was measured since. Two queries."""
    kept = [version for version in versions if version.run_id and version.precision == FP32]
    stages = list(Stage.objects.filter(run__in={version.run_id for version in kept}))
    found = evaluations_of(stages)
    by_place = {(stage.run_id, stage.index): found[stage.pk] for stage in stages}
    for version in kept:
        version.metrics = {**version.metrics, **by_place.get((version.run_id or 0, version.stage_index), {})}


def keep_newest(run: Run) -> None:
    """Before a run goes, and its evaluations with it, its versions take over what was measured since they were registered."""
    versions = list(Version.objects.filter(run=run).only("run", "precision", "stage_index", "metrics"))
    take_newest(versions)
    Version.objects.bulk_update(versions, ["metrics"])
