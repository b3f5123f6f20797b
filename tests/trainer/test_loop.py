"""The loop of a stage: how losses are summed and what accumulation and reporting must not change."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer import small
from tests.trainer.attempts import events_of
from trainer import optim
from trainer.config import Stage, StageJob
from trainer.events import EventLog
from trainer.loop import fit
from trainer.schedule import curve
from trainer.stage import train_stage
from trainer.weighting import TaskWeighting

TWO = (small.task("sentiment", weight=2), small.task("masked_lm", weight=0.5))
STILL = {"dropout": 0, "clip_norm": 1000}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_pairs(tmp_path_factory.mktemp("datasets"))


def test_the_total_is_the_weighted_sum_of_the_tasks(datasets: Path) -> None:
    values = small.training(datasets, *TWO).train_step().values
    expected = 2 * values["train/loss/sentiment"].item() + 0.5 * values["train/loss/masked_lm"].item()
    assert values["train/loss"].item() == pytest.approx(expected, rel=1e-6)


def test_uncertainty_weighs_each_task_by_its_learned_variance() -> None:
    stage = Stage.model_validate(small.stage(*TWO, task_weighting="uncertainty"))
    weighting = TaskWeighting(stage)
    weighting.log_variances["sentiment"].data.fill_(0.7)
    assert weighting("sentiment", torch.tensor(1.5), 1.0).item() == pytest.approx(2 * (math.exp(-0.7) * 1.5 + 0.35))
    half = weighting("sentiment", torch.tensor(0.75), 0.5)
    assert 2 * half.item() == pytest.approx(weighting("sentiment", torch.tensor(1.5), 1.0).item())
    assert weighting.learned()["sentiment"].item() == pytest.approx(2 * math.exp(-0.7))


def test_learned_weights_move_and_are_kept_in_a_checkpoint(datasets: Path, tmp_path: Path) -> None:
    made = small.training(datasets, *TWO, task_weighting="uncertainty", schedule={"peak_rate": 0.1}, regularisation=STILL)
    first = made.train_step().values
    assert first["train/weight/sentiment"].item() != 2
    target, _size = made.save(tmp_path, is_final=False)
    loaded = small.training(datasets, *TWO, task_weighting="uncertainty", schedule={"peak_rate": 0.1}, regularisation=STILL)
    loaded.load(target)
    assert loaded.weighting.log_variances["sentiment"].item() == made.weighting.log_variances["sentiment"].item()
    assert loaded.train_step().values["train/loss"].item() == made.train_step().values["train/loss"].item()


def test_a_batch_in_parts_is_the_same_step(datasets: Path) -> None:
    """Of the sentence alone: a batch norm would see smaller batches."""
    whole, parts = (
        small.training(datasets, model={"inputs": "text"}, batch_size=6, accumulation=count, regularisation=STILL) for count in (1, 3)
    )
    one, three = whole.train_step().values, parts.train_step().values
    assert three["train/loss"].item() == pytest.approx(one["train/loss"].item(), rel=1e-5)
    assert three["train/grad_norm"].item() == pytest.approx(one["train/grad_norm"].item(), rel=1e-4)


def test_the_gradient_is_clipped_as_torch_does_it(datasets: Path) -> None:
    made = small.training(datasets, regularisation={"dropout": 0, "clip_norm": 0.05})
    seen: list[float] = []
    kept = made.optimizer.step

    def step(*arguments: Any, **named: Any) -> Any:
        seen.append(math.sqrt(sum(float((each.grad**2).sum()) for each in made.trained if each.grad is not None)))
        return kept(*arguments, **named)

    made.optimizer.step = step  # type: ignore[method-assign]
    norm = made.train_step().values["train/grad_norm"].item()
    assert norm > 0.05
    assert seen == [pytest.approx(0.05, rel=1e-3)]


@pytest.mark.parametrize("interval", [3, 7])
def test_reports_at_intervals_leave_out_no_step_and_change_nothing(datasets: Path, tmp_path: Path, interval: int) -> None:
    said = []
    for name, each in (("always", 1), ("seldom", interval)):
        folder = tmp_path / name
        folder.mkdir()
        job = StageJob.model_validate(small.job(report_interval=each, checkpoint_interval=4))
        with closing(EventLog(folder)) as events:
            train_stage(job, folder, events, [datasets], lambda: False)
        said.append([(event["step"], event["metrics"]["train/loss"]) for event in events_of(folder, "stepped")])
    assert [step for step, _ in said[1]] == list(range(1, 11))
    assert said[0] == said[1]


def rates_of(datasets: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[float], list[float]]:
    """Returns the rates of ten steps: those planned, those that the optimizer stepped with, those reported."""
    made = small.training(
        datasets, schedule={"shape": "cosine", "peak_rate": 0.01, "final_rate": 0.001, "warmup_steps": 3}, report_interval=4
    )
    used: list[float] = []
    kept = made.optimizer.step

    def step(*arguments: Any, **named: Any) -> Any:
        used.append(made.optimizer.param_groups[-1]["lr"])
        return kept(*arguments, **named)

    monkeypatch.setattr(made.optimizer, "step", step)
    with closing(EventLog(folder)) as events:
        fit(made, events, folder, lambda: False)
    reported = [event["metrics"]["train/learning_rate"] for event in events_of(folder, "stepped")]
    return curve(made.stage.schedule, 10)[1], used, reported


def test_the_reported_rate_is_the_optimizers_and_the_planned_one(datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned, used, reported = rates_of(datasets, tmp_path, monkeypatch)
    assert len(planned) == len(used) == 10
    assert reported == used
    assert reported == pytest.approx(planned, abs=1e-9, rel=0)


def test_an_optimizer_that_leaves_the_plan_is_found_out(datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = optim.set_rate
    monkeypatch.setattr(optim, "set_rate", lambda optimizer, rate: kept(optimizer, rate / 2))
    planned, used, reported = rates_of(datasets, tmp_path, monkeypatch)
    assert reported == used == [rate / 2 for rate in planned]
