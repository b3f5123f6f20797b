"""What the trainer is given: the `config.json` of an attempt, with the checkpoints it starts from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from django.conf import settings

from dashboard.playground.changes import item_of
from dashboard.playground.models import Probe
from dashboard.runs.models import Attempt, Evaluation, Kind, LoadTest, Quantization, Run, Stage
from dashboard.runs.reuse import note_key
from dashboard.serving.exports import newest_export
from trainer import config, probes
from trainer.config.serving import LoadTestJob

Document = config.StageJob | config.EvaluationJob | config.QuantizationJob | LoadTestJob


def hand_over(attempt: Attempt, kind: Kind) -> None:
    """Writes `config.json` into a folder of this attempt's own. Raises OSError."""
    attempt.folder.mkdir(parents=True, exist_ok=True)
    (attempt.folder / "config.json").write_text(DOCUMENTS[kind](attempt).model_dump_json(indent=1))
    if kind == Kind.STAGE:
        hand_over_probes(attempt)


def hand_over_probes(attempt: Attempt) -> None:
    """The project's probe set as it stands now: the trainer asks it at every checkpoint."""
    found = [{"id": probe.pk, **item_of(probe)} for probe in Probe.objects.filter(project=attempt.job.run.project_id)]
    if found:
        (attempt.folder / probes.FILE_NAME).write_text(json.dumps(found))


def stage_job(attempt: Attempt) -> config.StageJob:
    run, stage = attempt.job.run, Stage.objects.get(pk=attempt.job_id)
    settled = config.Run.model_validate(run.config)
    resume = newest_checkpoint(stage.pk)
    note_key(stage, goes_on=resume is not None)
    return config.StageJob(
        model=settled.model,
        stage=settled.stages[stage.index - 1],
        index=stage.index,
        is_last=stage.index == len(settled.stages),
        num_threads=settled.num_threads,
        watched=settled.watched,
        tensorboard=settled.tensorboard,
        parent=final_checkpoint(run, stage.index - 1) if stage.index > 1 else None,
        resume=resume,
    )


def evaluation_job(attempt: Attempt) -> config.EvaluationJob:
    evaluation = Evaluation.objects.select_related("of_stage__run").get(pk=attempt.job_id)
    stage = evaluation.of_stage
    chosen = absolute(evaluation.checkpoint) if evaluation.checkpoint else final_checkpoint(stage.run, stage.index)
    return config.EvaluationJob(
        checkpoint=chosen, split=evaluation.split, dataset=evaluation.dataset, num_threads=stage.run.config["num_threads"]
    )


def quantization_job(attempt: Attempt) -> config.QuantizationJob:
    run = attempt.job.run
    settled = config.Run.model_validate(run.config)
    assert settled.quantization is not None
    Quantization.objects.filter(pk=attempt.job_id).update(rows=[], gate={}, files={}, flipped="")
    return config.QuantizationJob(
        model=settled.model,
        quantization=settled.quantization,
        task=settled.stages[-1].tasks[0],
        checkpoint=final_checkpoint(run, len(settled.stages)),
        num_threads=settled.num_threads,
    )


def load_test_job(attempt: Attempt) -> LoadTestJob:
    """What an attempt before this one measured is measured anew."""
    job = LoadTest.objects.select_related("run").get(pk=attempt.job_id)
    LoadTest.objects.filter(pk=job.pk).update(rows=[], server={}, repository="")
    found = newest_export(job.run)
    assert found, f"run {job.run_id} has no export"
    return LoadTestJob(export=absolute(found.path), **job.asked)


DOCUMENTS: Mapping[Kind, Callable[[Attempt], Document]] = {
    Kind.STAGE: stage_job,
    Kind.EVALUATION: evaluation_job,
    Kind.QUANTIZATION: quantization_job,
    Kind.LOAD_TEST: load_test_job,
}


def final_checkpoint(run: Run, index: int) -> str:
    """The checkpoint with which a stage ended, in this run or in the one it was reused from."""
    path = Stage.objects.values_list("checkpoint", flat=True).get(run=run, index=index)
    assert path, f"stage {index} of run {run.pk} has no final checkpoint"
    return absolute(path)


def newest_checkpoint(job_id: int) -> str | None:
    """The last checkpoint that any attempt of the job has saved."""
    saved = Attempt.objects.filter(job=job_id).exclude(checkpoint="").order_by("-number").values_list("checkpoint", flat=True)
    return next((absolute(path) for path in saved if Path(absolute(path)).is_dir()), None)


def absolute(path: str) -> str:
    return str(settings.RUNS_DIR / path)
