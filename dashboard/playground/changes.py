"""How an answer changed while a run was trained: an input, or the project's probe set, scored at every checkpoint."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async

from dashboard.playground.candidates import FLOAT, Candidate, askable, of_run
from dashboard.playground.models import Probe, Score
from dashboard.playground.streaming import Line, Question, answers
from dashboard.runs.models import DONE, Run


def stages_of(run: Run) -> list[dict[str, Any]]:
    """The bands of the chart: how many steps each stage has, and whether it learnt sentiment."""
    asked = {stage.pk for stage in askable(run)}
    return [
        {
            "index": stage.index,
            "name": stage.name,
            "num_steps": stage.last_step if stage.status in DONE and stage.last_step else stage.num_steps,
            "is_askable": stage.pk in asked,
        }
        for stage in run.stages
    ]


def checkpoints_of(run: Run) -> list[Candidate]:
    """The checkpoints that lie on disk, in the order of training."""
    return [each for each in of_run(run) if each.precision == FLOAT]


def questions_about(run: Run, image_base64: str | None, text: str | None) -> Iterator[Question]:
    """One input, asked of every checkpoint."""
    item = {"image_base64": image_base64, "text": text}
    for checkpoint in checkpoints_of(run):
        yield place_of(checkpoint), score_question(checkpoint, [item])


def place_of(checkpoint: Candidate) -> Line:
    return {"stage": checkpoint.stage.index, "step": checkpoint.step}


def score_question(checkpoint: Candidate, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"act": "score", "folder": checkpoint.folder, "precision": checkpoint.precision, "items": items}


# --- the probe set ---------------------------------------------------------------------------------------------------------


def scores_of(run: Run, probe: Probe) -> list[Line]:
    """What was scored already, in the order of training. A stage that another run has trained has its scores there."""
    by_job = {stage.trained_by: stage.index for stage in run.stages}
    found = Score.objects.filter(probe=probe, stage__in=by_job).values_list("stage", "step", "probabilities")
    rows = [{"stage": by_job[stage], "step": step, "probabilities": probabilities} for stage, step, probabilities in found]
    return sorted(rows, key=lambda row: (row["stage"], row["step"]))


def unscored(run: Run) -> list[tuple[Candidate, list[Probe]]]:
    """The checkpoints at which probes are missing, with these probes."""
    probes = list(Probe.objects.filter(project=run.project))
    known = set(Score.objects.filter(probe__in=probes).values_list("probe", "stage", "step"))
    missing = [
        (checkpoint, [probe for probe in probes if (probe.pk, checkpoint.stage.trained_by, checkpoint.step) not in known])
        for checkpoint in checkpoints_of(run)
    ]
    return [(checkpoint, left) for checkpoint, left in missing if left]


async def score_all(missing: list[tuple[Candidate, list[Probe]]]) -> AsyncIterator[Line]:
    """Scores one checkpoint after the other and keeps what it finds; yields how far it is."""
    asked = [(place_of(checkpoint), score_question(checkpoint, [item_of(probe) for probe in probes])) for checkpoint, probes in missing]
    number = 0
    async for line in answers(asked):
        if "probabilities" in line:
            checkpoint, probes = missing[number]
            await sync_to_async(keep)(checkpoint, probes, line["probabilities"])
        number += 1
        error = {"error": line["error"]} if "error" in line else {}
        yield {"stage": line["stage"], "step": line["step"], "done": number, "count": len(missing), **error}


def item_of(probe: Probe) -> dict[str, Any]:
    picture = bytes(probe.picture)
    return {"image_base64": base64.b64encode(picture).decode() if picture else None, "text": probe.text or None}


def keep(checkpoint: Candidate, probes: list[Probe], found: list[dict[str, float]]) -> None:
    rows = [
        Score(probe=probe, stage_id=checkpoint.stage.trained_by, step=checkpoint.step, probabilities=probabilities)
        for probe, probabilities in zip(probes, found, strict=True)
        # Somebody may have taken it out of the set meanwhile.
        if Probe.objects.filter(pk=probe.pk).exists()
    ]
    Score.objects.bulk_create(rows, update_conflicts=True, unique_fields=["probe", "stage", "step"], update_fields=["probabilities"])
