"""Runs whose stages have ended with a checkpoint on disk, without training."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.metrics.writing import write_points
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Run, Stage
from trainer import config, recipes

WORKER = {"host": "cpu", "pid": 1, "started_at": Now(), "last_seen": Now()}


def tiny(**changes: object) -> config.Run:
    """The tiny recipe without its quantization and its evaluation."""
    return recipes.load()["sentiment-tiny"].config.model_copy(update={"quantization": None, "evaluate": False, **changes})


def with_last_stage(run: config.Run, **changes: object) -> config.Run:
    last = config.Stage.model_validate({**run.stages[-1].model_dump(), **changes})
    return run.model_copy(update={"stages": (*run.stages[:-1], last)})


def finish_stages(run: Run, count: int = 3, loss: float = 2.0) -> Run:
    """Takes `count` stages that are not done yet to their end, each with one point."""
    worker = Worker.objects.get_or_create(name="cpu-1", defaults=WORKER)[0]
    for _ in range(count):
        lease = lifecycle.claim(worker)
        assert lease is not None
        assert lease.run_id == run.pk
        finish_stage(lease, loss)
    run.refresh_from_db()
    return run


def finish_stage(lease: lifecycle.Lease, loss: float) -> None:
    attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    path = attempt.folder / "checkpoints" / "final"
    path.mkdir(parents=True)
    with lifecycle.recording(lease) as update:
        write_points(update, attempt, {"train/loss": [(1, loss)]})
        Attempt.objects.filter(pk=attempt.pk).update(first_step=1, last_step=1, last_point_at=Now())
        checkpoint = str(path.relative_to(settings.RUNS_DIR))
        Stage.objects.filter(pk=lease.job_id).update(
            checkpoint=checkpoint, results={"validation/loss": loss}, last_step=1, num_parameters=7
        )
    lifecycle.finish(lease)


def folder(stage: Stage) -> Path:
    return Path(settings.RUNS_DIR) / stage.checkpoint
