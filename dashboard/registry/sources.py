"""What of a run can become a version: every finished stage as it was trained, and the twins that its quantization made of the last."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from dashboard.registry.evaluated import evaluations_of
from dashboard.registry.models import FP32
from dashboard.runs.models import DONE, Quantization, Run, Stage, Status
from trainer.quantization.gate import within
from trainer.runtimes import CARD

MEASURED = {"accuracy": "test/accuracy", "macro_f1": "test/macro_f1"}
TIMED = ("latency_ms_p50", "latency_ms_p99", "throughput_per_s")


@dataclass(frozen=True)
class Source:
    """A stage in one precision: the folder of its files, what was measured of it, and what the export gate said (of a twin)."""

    stage: Stage
    precision: str
    folder: Path
    metrics: dict[str, Any]
    gate: dict[str, Any] = field(default_factory=dict)

    @property
    def is_checkpoint(self) -> bool:
        return self.precision == FP32


def sources_of(run: Run) -> list[Source]:
    """In the order of the stages, each with its twins behind it. Three queries."""
    done = [stage for stage in run.stages.select_related("run__project", "reused_from__run") if stage.status in DONE and stage.checkpoint]
    evaluated = evaluations_of(done)
    found = [Source(stage, FP32, settings.RUNS_DIR / stage.checkpoint, metrics_of(stage) | evaluated[stage.pk]) for stage in done]
    if done and done[-1].index == len(run.config["stages"]):
        found += twins(done[-1])
    return found


def twins(stage: Stage) -> list[Source]:
    """Of the last stage alone: a quantization begins where it ended, and the newest counts. What was not measured is a second name."""
    job = Quantization.objects.filter(run=stage.run_id, status=Status.COMPLETED).order_by("-pk").first()
    if job is None:
        return []
    rows = {row["precision"]: row for row in job.rows}
    return [twin(stage, name, file, rows[name]) for name, file in job.files.items() if name in rows and name != FP32]


def twin(stage: Stage, precision: str, file: str, row: dict[str, Any]) -> Source:
    measured = {metric: row[name] for name, metric in MEASURED.items() if row.get(name) is not None}
    timed = {name: row[name] for name in TIMED if row.get(name) is not None}
    folder = settings.RUNS_DIR / PurePosixPath(file).parent
    return Source(stage, precision, folder, measured | timed, gate_in(folder, precision))


def gate_in(folder: Path, precision: str) -> dict[str, Any]:
    """Returns what the card of an export says of a precision: whether it passes, the points it loses, and those it may lose.

    Empty where no gate has spoken of it, or the card cannot be read: registering it then tells why.
    """
    try:
        gate = json.loads((folder / CARD).read_bytes()).get("gate") or {}
        drop, max_drop = gate["drops"][precision], gate["max_drop"]
    except (OSError, ValueError, KeyError, AttributeError):
        return {}
    return {"passes": within(drop, max_drop), "drop": drop, "max_drop": max_drop}


def metrics_of(stage: Stage) -> dict[str, Any]:
    """The results of the stage, NaN as the string that JSON can hold."""
    return {name: value for name, value in sorted(stage.results.items()) if isinstance(value, int | float | str)}


def source_of(run: Run, stage_index: int, precision: str) -> Source:
    """Raises ValueError with a sentence for the person."""
    found = [source for source in sources_of(run) if source.stage.index == stage_index]
    if not found:
        raise ValueError(_("Stage %(index)s of %(run)s has not finished with a checkpoint.") % {"index": stage_index, "run": run.name})
    for source in found:
        if source.precision == precision:
            return source
    there = ", ".join(source.precision.upper() for source in found)
    words = {"index": stage_index, "run": run.name, "precision": precision.upper(), "there": there}
    raise ValueError(_("Stage %(index)s of %(run)s has no %(precision)s; there are %(there)s.") % words)
