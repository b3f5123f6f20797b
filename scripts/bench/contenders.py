"""Who is timed: our loop, the Hugging Face `Trainer` and a plain torch loop, each on a network, data and loss of its own but alike."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainer.config import StageJob
from trainer.loop import Training
from trainer.stage import prepare

HAS_TRAINER = importlib.util.find_spec("accelerate") is not None


@dataclass(frozen=True)
class Timing:
    """Of one step, the first of its round left out: seconds by the clock and of the processor."""

    wall_s: float
    processor_s: float


Contender = Callable[[int], Timing]


class Stopwatch:
    """Starts behind the first step of a round, so that nobody's start-up counts."""

    def __init__(self) -> None:
        self.num_steps, self.began = 0, (0.0, 0.0)

    def step_is_done(self) -> None:
        self.num_steps += 1
        if self.num_steps == 1:
            self.began = time.perf_counter(), time.process_time()

    def timing(self) -> Timing:
        timed = self.num_steps - 1
        return Timing((time.perf_counter() - self.began[0]) / timed, (time.process_time() - self.began[1]) / timed)


def training(document: dict[str, Any], num_steps: int) -> Training:
    return prepare(StageJob.model_validate(document), [], num_steps)


def ours(document: dict[str, Any], num_steps: int) -> Contender:
    made = training(document, num_steps)

    def run(count: int) -> Timing:
        watch = Stopwatch()
        for _ in range(count):
            made.learner.set_training()
            made.train_step()
            watch.step_is_done()
        return watch.timing()

    return run


def plain(document: dict[str, Any], num_steps: int) -> Contender:
    """What one would write by hand: draw, loss, backward, clip, AdamW, and the figures of each step."""
    made = training(document, num_steps)
    parameters = [each for each in made.network.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=made.stage.schedule.peak_rate, weight_decay=made.stage.regularisation.weight_decay, fused=True
    )
    batches = drawn(made)

    def run(count: int) -> Timing:
        watch = Stopwatch()
        made.learner.set_training()
        for _ in range(count):
            loss = loss_of(made, next(batches))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, made.stage.regularisation.clip_norm)
            optimizer.step()
            watch.step_is_done()
        return watch.timing()

    return run


def transformers(document: dict[str, Any], num_steps: int) -> Contender:
    """The Trainer with the same optimizer, clipping, data and loss, and its reports off; only its own steps are timed."""
    from scripts.bench import hugging_face

    made = training(document, num_steps)
    batches = drawn(made)

    def run(count: int) -> Timing:
        watch = Stopwatch()
        made.learner.set_training()
        hugging_face.train(made, batches, loss_of, count, watch.step_is_done)
        return watch.timing()

    return run


def drawn(made: Training) -> Iterator[Any]:
    step = 0
    while True:
        step += 1
        yield made.learner.draw(step)[0]


def loss_of(made: Training, part: Any) -> Tensor:
    losses = made.learner.losses(part)
    weights: dict[str, float] = {task.kind: task.weight for task in made.stage.tasks}
    total: Tensor = torch.stack([weights[kind] * loss for kind, loss in losses.tasks.items()] + list(losses.extra.values())).sum()
    return total
