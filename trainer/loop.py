"""The training of one stage: `fit` says when, `train_step` says how."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer import checkpoint, optim
from trainer.config import StageJob
from trainer.data.mixture import Mixture
from trainer.data.pictures import augment
from trainer.data.samples import Samples
from trainer.device import autocast, to_batch
from trainer.evaluate import evaluate
from trainer.events import GRAD_NORM, LEARNING_RATE, LOSS, SAMPLES_PER_SECOND, EventLog
from trainer.failures import NotANumberError
from trainer.models.network import Network, set_training
from trainer.randomness import random_state, restore_random_state
from trainer.schedule import learning_rate
from trainer.tasks import OBJECTIVES
from trainer.tasks.objective import Batch

NUM_RECENT = 20


class Training:
    """A stage in progress: network, optimizer, order of the data, step. All of it goes into a checkpoint."""

    def __init__(self, job: StageJob, network: Network, tokenizer: str, samples: dict[str, dict[str, Samples]], num_steps: int) -> None:
        self.job, self.stage, self.network, self.tokenizer = job, job.stage, network, tokenizer
        self.samples, self.num_steps, self.step = samples, num_steps, 0
        self.optimizer = optim.optimizer(network, job.stage)
        self.scaler = torch.amp.GradScaler(enabled=job.stage.precision == "fp16")
        self.mixtures: dict[str, Mixture] = {
            task.kind: samples["train"][task.kind].mixture(task, job.stage.seed) for task in job.stage.tasks
        }
        self.recent: deque[float] = deque(maxlen=NUM_RECENT)
        self.validated: dict[str, float] = {}
        self.trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.device = next(network.parameters()).device

    def train_step(self) -> dict[str, Tensor]:
        """One step: a batch of each task, forward, backward, clip, update. Returns device tensors; nothing waits for the device."""
        optim.set_rate(self.optimizer, learning_rate(self.stage.schedule, self.step + 1, self.num_steps))
        self.optimizer.zero_grad(set_to_none=True)
        losses: dict[str, Tensor] = {}
        with autocast(self.device, self.stage.precision):
            for number, task in enumerate(self.stage.tasks):
                batch = self.next_batch(number)
                losses[task.kind] = OBJECTIVES[task.kind].loss(self.network, batch, task, self.stage.regularisation.label_smoothing).loss
        total = torch.stack([task.weight * losses[task.kind] for task in self.stage.tasks]).sum()
        if not total.requires_grad:
            raise ValueError(f"stages.{self.job.index - 1}.trainable: none of it takes part in the stage's tasks, nothing would be learnt")
        self.scaler.scale(total).backward()
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.trained, self.stage.regularisation.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        each = {f"{LOSS}/{kind}": loss for kind, loss in losses.items()} if len(losses) > 1 else {}
        return {LOSS: total.detach(), **each, GRAD_NORM: norm}

    def next_batch(self, number: int) -> Batch:
        """The batch of a task for the coming step; masks and augmentation are seeded by stage, step and task alone."""
        task = self.stage.tasks[number]
        rng = np.random.default_rng([self.stage.seed, self.step + 1, number])
        columns = self.samples["train"][task.kind].columns(
            self.mixtures[task.kind].draw(self.stage.batch_size), OBJECTIVES[task.kind].needs
        )
        pictures = None if columns.pictures is None else augment(columns.pictures, rng)
        return to_batch(columns, self.device, rng, pictures)

    def save(self, folder: Path, *, is_final: bool) -> tuple[Path, int]:
        """Writes a checkpoint; returns its folder and size in bytes."""
        target = folder / checkpoint.name_of(self.job.index, self.step)
        tensors = {
            "model": self.network.state_dict(),
            "optimizer": optim.state_tensors(self.optimizer),
            "random": random_state(self.device),
        }
        state = {
            "step": self.step,
            "num_steps": self.num_steps,
            "stage": self.job.index,
            "is_final": is_final,
            "drawn": {kind: mixture.state() for kind, mixture in self.mixtures.items()},
            "recent": list(self.recent),
            "validated": self.validated,
            "scaler": self.scaler.state_dict(),
            "num_threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
        encoders = {"image": self.network.image.config.to_diff_dict(), "text": self.network.text.config.to_diff_dict()}
        card = {"model": self.job.model.model_dump(mode="json"), "stage": self.job.stage.model_dump(mode="json"), "classes": self.classes()}
        size = checkpoint.write(target, tensors, {"state": state, "encoders": encoders, "config": card, "tokenizer": self.tokenizer})
        checkpoint.prune(folder, self.job.index)
        return target, size

    def classes(self) -> dict[str, list[str]]:
        """The classes of each head, in the order of its logits."""
        named = [task.kind for task in self.stage.tasks if OBJECTIVES[task.kind].has_classes]
        return {kind: self.samples["train"][kind].classes for kind in named}

    def load(self, folder: Path) -> None:
        """Goes on from a checkpoint of this stage, bit for bit."""
        state = checkpoint.document(folder, "state")
        torch.set_num_threads(state["num_threads"])
        self.network.load_state_dict(checkpoint.tensors(folder, "model"))
        optim.load_state_tensors(self.optimizer, checkpoint.tensors(folder, "optimizer"))
        self.scaler.load_state_dict(state["scaler"])
        for kind, drawn in state["drawn"].items():
            self.mixtures[kind].load_state(drawn)
        self.step = state["step"]
        self.recent.extend(state["recent"])
        self.validated = state["validated"]
        restore_random_state(checkpoint.tensors(folder, "random"), self.device)


def fit(training: Training, events: EventLog, folder: Path, stop_asked: Callable[[], bool]) -> bool:
    """Trains to the end of the stage; returns False when it was asked to stop, after saving. Raises NotANumberError."""
    stage, stage_index = training.stage, training.job.index
    saved = training.step
    while training.step < training.num_steps:
        set_training(training.network)
        began = time.perf_counter()
        metrics = report(training, training.train_step(), began)
        events.emit("stepped", stage=stage_index, step=training.step, metrics=metrics)
        refuse_not_a_number(metrics, training, saved)
        last = training.step == training.num_steps
        if last or training.step % stage.validation_interval == 0:
            validate(training, events)
        if stopping := (stop_asked() and not last):
            events.emit("stopped", stage=stage_index, step=training.step, checkpoint=save(training, events, folder))
        elif not last and training.step % stage.checkpoint_interval == 0:
            save(training, events, folder)
            saved = training.step
        if stopping:
            return False
    return True


def report(training: Training, values: dict[str, Tensor], began: float) -> dict[str, float]:
    """Brings the step's figures to the host in one transfer."""
    numbers = dict(zip(values, torch.stack([value.float() for value in values.values()]).tolist(), strict=True))
    training.recent.append(numbers[LOSS])
    num_samples = training.stage.batch_size * len(training.stage.tasks)
    numbers[LEARNING_RATE] = learning_rate(training.stage.schedule, training.step, training.num_steps)
    numbers[SAMPLES_PER_SECOND] = num_samples / (time.perf_counter() - began)
    return numbers


def refuse_not_a_number(metrics: Mapping[str, float], training: Training, saved: int) -> None:
    """A step that is no number must not reach a checkpoint. In fp16 the scaler skips steps whose gradient overflows."""
    bad = [name for name in (LOSS, GRAD_NORM) if not math.isfinite(metrics[name])]
    if bad and not (bad == [GRAD_NORM] and training.scaler.is_enabled()):
        raise NotANumberError(f"{bad[0]} is {metrics[bad[0]]} at step {training.step}; {last_good(saved)}")


def last_good(saved: int) -> str:
    return f"the last checkpoint is of step {saved}" if saved else "there is no checkpoint yet"


def validate(training: Training, events: EventLog) -> None:
    """The figures stay with the training: those of the last step are its results, also when it is resumed right behind it."""
    training.validated = evaluate(training.network, training.stage, training.samples["validation"], "validation")
    events.emit("evaluated", stage=training.job.index, step=training.step, split="validation", metrics=training.validated)


def save(training: Training, events: EventLog, folder: Path, *, is_final: bool = False) -> str:
    """Saves and says so; returns the checkpoint's path relative to the train folder."""
    target, size = training.save(folder / "checkpoints", is_final=is_final)
    path = str(target.relative_to(folder))
    events.emit("saved", stage=training.job.index, step=training.step, checkpoint=path, size_bytes=size, is_final=is_final)
    return path
