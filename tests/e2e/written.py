"""Writes a finished run of three stages into an installation without training it: `python -m tests.e2e.written NUM_STEPS` says its id."""

# ruff: noqa: E402
from __future__ import annotations

import math
import sys
import time

import django  # set up before the models are imported below

django.setup()

from django.db.models.functions import Now

from dashboard.accounts.models import Project, User
from dashboard.fleet.models import Worker
from dashboard.metrics.writing import write_points
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Run, Stage
from trainer import recipes

SAMPLES, STEP_S = 64, 0.25


def main(num_steps: int) -> int:
    run = submit(num_steps)
    worker, _ = Worker.objects.get_or_create(name="writer", defaults={"host": "here", "pid": 1, "started_at": Now(), "last_seen": Now()})
    begun = time.time() - 3 * num_steps * STEP_S
    for number in range(3):
        lease = lifecycle.claim(worker)
        assert lease
        write_stage(lease, num_steps, begun + number * num_steps * STEP_S)
    return run.pk


def submit(num_steps: int) -> Run:
    recipe = recipes.load()["sentiment-tiny"].config
    stages = tuple(stage.model_copy(update={"steps": num_steps}) for stage in recipe.stages)
    config = recipe.model_copy(update={"stages": stages, "quantization": None, "evaluate": False})
    return lifecycle.submit(Project.objects.get(), User.objects.get(), "written", config, recipe="sentiment-tiny", reuse=False)


def write_stage(lease: lifecycle.Lease, num_steps: int, begun: float) -> None:
    steps = range(1, num_steps + 1)
    series = {
        "train/loss": [(step, 1 + math.exp(-step / num_steps) + 0.1 * math.sin(step)) for step in steps],
        "validation/loss": [(step, 1.1 + math.exp(-step / num_steps)) for step in steps if step % 10 == 0],
        "train/grad_norm": [(step, 1 + 0.3 * math.cos(step)) for step in steps],
        "progress/samples": [(step, float(SAMPLES * step)) for step in steps],
        "progress/wall": [(step, begun + STEP_S * step) for step in steps],
    }
    with lifecycle.recording(lease) as update:
        write_points(update, Attempt.objects.get(pk=lease.attempt_id), series)
        Attempt.objects.filter(pk=lease.attempt_id).update(first_step=1, last_step=num_steps, last_point_at=Now())
        Stage.objects.filter(pk=lease.job_id).update(last_step=num_steps, num_steps=num_steps)
    lifecycle.finish(lease)


if __name__ == "__main__":
    print(main(int(sys.argv[1])))
