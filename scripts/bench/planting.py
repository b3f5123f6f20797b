"""Makes a run of a folder that `python -m trainer train` filled, as if a worker had trained it: its stages with their checkpoints.

Run as a program inside an installation: `python -m scripts.bench.planting NAME FOLDER [QUANTIZATION]`; prints the run's id.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import django

CHECKPOINT = re.compile(r"^stage-(\d+)-step-(\d+)$")


def plant(name: str, folder: Path, quantization: Path | None) -> int:
    from django.db import transaction

    from dashboard.accounts.models import Project, User
    from dashboard.runs import lifecycle
    from dashboard.runs.models import Quantization, Run, Status
    from trainer import config

    settings = config.parse(json.loads((folder / "config.json").read_text()))
    assert isinstance(settings, config.Run)
    with transaction.atomic():
        run = lifecycle.submit(Project.objects.all()[0], User.objects.all()[0], name, settings, reuse=False)
        for stage in run.stages:
            plant_stage(stage, folder)
        for job in Quantization.objects.filter(run=run):
            plant_quantization(job, quantization)
        Run.objects.filter(pk=run.pk).update(status=Status.COMPLETED)
    return int(run.pk)


def plant_stage(stage: Any, folder: Path) -> None:
    from dashboard.runs.models import Stage, Status

    attempt = ended(stage)
    found = [(int(match[2]), path) for path in folder.glob("checkpoints/stage-*") if (match := CHECKPOINT.match(path.name))]
    mine = sorted(each for each in found if each[1].name.startswith(f"stage-{stage.index}-"))
    for _, path in mine:
        shutil.copytree(path, attempt.folder / "checkpoints" / path.name)
    step, last = mine[-1]
    checkpoint = f"{stage.run_id}/job-{stage.position}/attempt-1/checkpoints/{last.name}"
    Stage.objects.filter(pk=stage.pk).update(status=Status.COMPLETED, last_step=step, num_steps=step, checkpoint=checkpoint)


def plant_quantization(job: Any, source: Path | None) -> None:
    from dashboard.runs.models import Quantization, Status

    if source is None:
        Quantization.objects.filter(pk=job.pk).update(status=Status.SKIPPED)
        return
    attempt = ended(job)
    shutil.copytree(source / "export", attempt.folder / "export")
    place = f"{job.run_id}/job-{job.position}/attempt-1/export"
    card = json.loads((source / "export" / "model.json").read_text())
    files = {name: f"{place}/{file}" for name, file in card["files"].items()}
    Quantization.objects.filter(pk=job.pk).update(status=Status.COMPLETED, files=files)


def ended(job: Any) -> Any:
    from django.db.models.functions import Now

    from dashboard.runs.models import Attempt

    attempt = Attempt.objects.create(job=job, number=1, lease_until=Now(), started_at=Now(), ended_at=Now(), outcome="completed")
    return Attempt.objects.select_related("job__run").get(pk=attempt.pk)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    django.setup()
    print(plant(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))
