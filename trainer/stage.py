"""One stage from its config to its final checkpoint: data, network, parent or resumed weights, training, results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from trainer import catalog, checkpoint
from trainer.amounts import num_steps
from trainer.config import StageJob
from trainer.device import choose, describe, has_compiler, set_threads
from trainer.events import LOSS, EventLog
from trainer.failures import NotANumberError, in_stage
from trainer.families import LEARNERS
from trainer.loop import Training, fit, save
from trainer.models.freezing import set_trainable
from trainer.problems import check_stage
from trainer.trail import first_whole, trail


def train_stage(job: StageJob, folder: Path, events: EventLog, datasets: Sequence[Path], stop_asked: Callable[[], bool]) -> Path | None:
    """Trains the stage to its end and returns its final checkpoint, or None when it was asked to stop.

    Raises ValueError for a config that cannot be trained, NotANumberError when the loss diverges.
    """
    cards = catalog.load(datasets)
    if problems := [problem for problem in check_stage(job.stage, job.index - 1, cards, job.model) if problem.blocks]:
        raise ValueError("; ".join(str(problem) for problem in problems))
    set_threads(job.num_threads)
    training = prepare(job, datasets, num_steps(job.stage, cards, job.model))
    resume(training, folder, events)
    start(training, events)
    return finish(training, folder, events) if fit(training, events, folder, stop_asked) else None


def prepare(job: StageJob, datasets: Sequence[Path], steps: int) -> Training:
    """Builds network and data; the weights are the parent's, or seeded by the stage."""
    with in_stage(job.index):
        device = choose(job.stage.precision)
        if job.stage.compile and not has_compiler():
            raise ValueError("compile: there is no C++ compiler on this machine; install g++ or switch it off")
    torch.manual_seed(job.stage.seed)
    learner = LEARNERS[job.model.family](job, datasets, device)
    with in_stage(job.index):
        set_trainable(learner.network, job.stage.trainable)
    return Training(job, learner, steps)


def resume(training: Training, folder: Path, events: EventLog) -> None:
    """Goes on from the newest whole checkpoint of this stage: the folder's own, else the one the job names, else an older one."""
    found = first_whole(trail(training.job, folder), training.job.index, events)
    if found:
        refuse_another_config(training.job, found)
        training.load(found)


def refuse_another_config(job: StageJob, folder: Path) -> None:
    """Raises ValueError: a stage that goes on under changed settings would be neither the one nor the other."""
    card = checkpoint.document(folder, "config")
    for name, settings in (("model", job.model), ("stage", job.stage)):
        if card[name] != settings.model_dump(mode="json"):
            raise ValueError(f"{name}: config.json has changed since {folder.name} was saved; train it in a new folder")


def start(training: Training, events: EventLog) -> None:
    events.emit(
        "started",
        stage=training.job.index,
        num_steps=training.num_steps,
        first_step=training.step + 1,
        resumed_from=training.step or None,
        device=describe(training.device),
        num_threads=torch.get_num_threads(),
        num_parameters=sum(parameter.numel() for parameter in training.network.parameters()),
        num_trainable=sum(parameter.numel() for parameter in training.trained),
    )
    for remark in training.learner.remarks():
        events.emit("warned", stage=training.job.index, message=remark)


def finish(training: Training, folder: Path, events: EventLog) -> Path:
    """Saves the final checkpoint, asks about the data of the whole run, tests the last stage, and sums up."""
    if not training.recent:
        raise NotANumberError(f"the loss was no number in any of the {training.step} steps")
    path, said = save(training, events, folder, is_final=True), {"stage": training.job.index, "step": training.step}
    results = {LOSS: sum(training.recent) / len(training.recent), **training.validated}
    losses, baseline = training.learner.watch()
    if losses:
        events.emit("watched", **said, losses=losses, baseline=baseline)
    if training.job.is_last:
        tested = training.learner.evaluate("test")
        events.emit("evaluated", **said, split="test", metrics=tested)
        results |= tested
    events.emit("finished", **said, checkpoint=path, results=results)
    return folder / path
