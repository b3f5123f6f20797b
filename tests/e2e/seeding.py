"""Makes a finished run with very many metrics and a long log, without training."""

from __future__ import annotations

import math

from django.db.models.functions import Now

from dashboard.accounts.models import Project, User
from dashboard.metrics.writing import write_points
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Run, Stage
from dashboard.runs.timeline import write_log
from tests.pages.working import claim
from trainer import recipes

STEPS = 200


def seed(name: str, num_metrics: int, num_lines: int) -> Run:
    config = recipes.load()["sentiment-tiny"].config.model_copy(update={"quantization": None, "evaluate": False})
    run = lifecycle.submit(Project.objects.all()[0], User.objects.all()[0], name, config, recipe="sentiment-tiny", reuse=False)
    for index in range(1, len(config.stages) + 1):
        lease = claim()
        attempt = Attempt.objects.get(pk=lease.attempt_id)
        with lifecycle.recording(lease) as update:
            write_points(update, attempt, {metric: points(index) for metric in metrics(num_metrics)})
        for first in range(0, num_lines // 3, 1000):
            with lifecycle.recording(lease) as update:
                write_log(update, attempt, "".join(line(index, n) for n in range(first, min(first + 1000, num_lines // 3))))
        Attempt.objects.filter(pk=attempt.pk).update(first_step=1, last_step=STEPS, last_point_at=Now())
        Stage.objects.filter(pk=lease.job_id).update(last_step=STEPS, num_steps=STEPS)
        lifecycle.finish(lease)
    return run


def metrics(count: int) -> list[str]:
    layers = [
        f"{group}/layer_{n}/{what}" for n in range(count // 6 + 1) for group in ("gradients", "weights") for what in ("max", "mean", "std")
    ]
    return ["train/loss", "train/grad_norm", "validation/accuracy", "system/memory_bytes", *layers][:count]


def points(stage: int) -> list[tuple[int, float]]:
    return [(step, math.exp(-step / STEPS) / stage + 0.05 * math.sin(step)) for step in range(1, STEPS + 1, 2)]


def line(stage: int, number: int) -> str:
    if number % 500 == 499:
        return f"ERROR <b>bad</b> batch {number} \x1b[31mred\x1b[0m\n"
    return f"INFO stage {stage} step {number}: loss {math.exp(-number / 4000):.4f}\n"
