"""The training of one stage: `fit` says when, `train_step` says how. What is trained, and on what, is the learner's to know."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainer import checkpoint, optim
from trainer.config import StageJob
from trainer.device import autocast, gpu_uuid
from trainer.events import GRAD_NORM, LEARNING_RATE, LOSS, SAMPLES, SAMPLES_PER_SECOND, TASK_WEIGHT, TOKENS, EventLog
from trainer.failures import NotANumberError
from trainer.families.learner import Learner, Losses, Part
from trainer.randomness import random_state, restore_random_state
from trainer.schedule import learning_rate
from trainer.system import SystemFigures
from trainer.weighting import TaskWeighting

NUM_RECENT = 20
MAX_BAD_STEPS = 10


@dataclass(frozen=True)
class Made:
    """A step that has been made and not been reported: its figures are still on the device."""

    step: int
    values: dict[str, Tensor]
    sources: list[str]
    num_tokens: int | None  # read since the stage began; None for pictures


class Training:
    """A stage in progress: learner, optimizer, step. All of it goes into a checkpoint."""

    def __init__(self, job: StageJob, learner: Learner, num_steps: int) -> None:
        self.job, self.stage, self.learner, self.num_steps, self.step = job, job.stage, learner, num_steps, 0
        self.network = learner.network
        self.device = next(self.network.parameters()).device
        self.weighting = TaskWeighting(job.stage).to(self.device)
        self.trained = [each for module in (self.network, self.weighting) for each in module.parameters() if each.requires_grad]
        self.optimizer = optim.optimizer(self.trained, job.stage)
        self.scaler = torch.amp.GradScaler(enabled=job.stage.precision == "fp16")
        self.recent: deque[float] = deque(maxlen=NUM_RECENT)
        self.validated: dict[str, float] = {}
        self.num_bad = 0
        self.system = SystemFigures(gpu_uuid(self.device))

    def train_step(self) -> Made:
        """One step: draw, forward and backward part by part, clip, update. Nothing here waits for the device."""
        self.step += 1
        optim.set_rate(self.optimizer, learning_rate(self.stage.schedule, self.step, self.num_steps))
        self.optimizer.zero_grad(set_to_none=True)
        parts = self.learner.draw(self.step)
        values: dict[str, Tensor] = {}
        for part in parts:
            for name, value in self.forward_backward(part, 1 / len(parts)).items():
                values[name] = values[name] + value if name in values else value
        self.scaler.unscale_(self.optimizer)
        values[GRAD_NORM] = torch.nn.utils.clip_grad_norm_(self.trained, self.stage.regularisation.clip_norm)
        self.update(values)
        values |= self.weights() | self.learner.after_step()
        return Made(self.step, values, self.learner.sources_of(parts), self.learner.num_tokens)

    def forward_backward(self, part: Part, fraction: float) -> dict[str, Tensor]:
        """Returns the part's share of the total loss and of each task's; `fraction` is the part's share of the step."""
        with autocast(self.device, self.stage.precision):
            losses = self.learner.losses(part)
        shares = {kind: loss * part.shares[kind] for kind, loss in losses.tasks.items()}
        total = self.total(shares, losses, fraction, part)
        if not total.requires_grad:
            raise ValueError(f"stages.{self.job.index - 1}.trainable: none of it takes part in the stage's tasks, nothing would be learnt")
        self.scaler.scale(total).backward()
        each = {f"{LOSS}/{kind}": loss.detach() for kind, loss in shares.items()} if len(self.stage.tasks) > 1 else {}
        return {LOSS: total.detach(), **each}

    def total(self, shares: dict[str, Tensor], losses: Losses, fraction: float, part: Part) -> Tensor:
        weighed = [self.weighting(kind, loss, part.shares[kind]) for kind, loss in shares.items()]
        return torch.stack([*weighed, *(fraction * term for term in losses.extra.values())]).sum()

    def update(self, values: dict[str, Tensor]) -> None:
        """Under the rule `skip` the optimizer itself leaves out a step that is no number: the device decides, nobody waits."""
        if self.stage.not_a_number == "skip" and not self.scaler.is_enabled():
            finite = torch.isfinite(values[GRAD_NORM]) & torch.isfinite(values[LOSS])
            self.optimizer.found_inf = (~finite).float().reshape(())  # type: ignore[attr-defined]
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def weights(self) -> dict[str, Tensor]:
        return {f"{TASK_WEIGHT}/{kind}": weight for kind, weight in self.weighting.learned().items()}

    # --- checkpoints -----------------------------------------------------------------------------------------------------

    def save(self, folder: Path, *, is_final: bool) -> tuple[Path, int]:
        """Writes a checkpoint; returns its folder and size in bytes."""
        target = folder / checkpoint.name_of(self.job.index, self.step)
        tensors = {
            "model": self.network.state_dict(),
            "optimizer": optim.state_tensors(self.optimizer)
            | {f"weighting.{name}": each for name, each in self.weighting.state_dict().items()},
            "random": random_state(self.device),
        }
        state = {
            "step": self.step,
            "num_steps": self.num_steps,
            "stage": self.job.index,
            "is_final": is_final,
            "drawn": self.learner.state(),
            "recent": list(self.recent),
            "validated": self.validated,
            "num_bad": self.num_bad,
            "scaler": self.scaler.state_dict(),
            "num_threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
        model, stage = self.job.model.model_dump(mode="json"), self.stage.model_dump(mode="json")
        card = {"model": model, "stage": stage, "index": self.job.index, "classes": self.learner.classes()}
        size = checkpoint.write(target, tensors, {"state": state, "config": card, **self.learner.documents()})
        checkpoint.prune(folder, self.job.index)
        return target, size

    def load(self, folder: Path) -> None:
        """Goes on from a checkpoint of this stage, bit for bit."""
        state = checkpoint.document(folder, "state")
        torch.set_num_threads(state["num_threads"])
        self.load_tensors(folder)
        self.scaler.load_state_dict(state["scaler"])
        self.learner.load_state(state["drawn"])
        self.step, self.num_bad = state["step"], state.get("num_bad", 0)
        self.recent.extend(state["recent"])
        self.validated = state["validated"]
        restore_random_state(checkpoint.tensors(folder, "random"), self.device)

    def load_tensors(self, folder: Path) -> None:
        """Takes over weights and optimizer alone; step and order of the data stay."""
        self.network.load_state_dict(checkpoint.tensors(folder, "model"))
        tensors = checkpoint.tensors(folder, "optimizer")
        own = {name.removeprefix("weighting."): each for name, each in tensors.items() if name.startswith("weighting.")}
        self.weighting.load_state_dict(own)
        optim.load_state_tensors(self.optimizer, {name: each for name, each in tensors.items() if not name.startswith("weighting.")})


def fit(training: Training, events: EventLog, folder: Path, stop_asked: Callable[[], bool]) -> bool:
    """Trains to the end of the stage; returns False when it was asked to stop, after saving. Raises NotANumberError."""
    stage, unreported, began = training.stage, list[Made](), time.perf_counter()
    while training.step < training.num_steps:
        training.learner.set_training()
        unreported.append(training.train_step())
        last = training.step == training.num_steps
        stopping = stop_asked() and not last
        validating = last or training.step % stage.validation_interval == 0
        saving = stopping or (not last and training.step % stage.checkpoint_interval == 0)
        if validating or saving or training.step % stage.report_interval == 0:
            report(training, events, folder, unreported, began)
            unreported, began = [], time.perf_counter()
        if validating:
            validate(training, events)
        if saving:
            path = save(training, events, folder)
        if stopping:
            events.emit("stopped", stage=training.job.index, step=training.step, checkpoint=path)
            return False
        if validating or saving:
            began = time.perf_counter()
    return True


def report(training: Training, events: EventLog, folder: Path, unreported: Sequence[Made], began: float) -> None:
    """Brings the figures of the steps to the host in one transfer, and sees to those that are no numbers."""
    flat = torch.stack([value.detach().float().reshape(()) for made in unreported for value in made.values.values()]).tolist()
    rate = len(unreported) * training.learner.samples_per_step / (time.perf_counter() - began)
    went_back = False
    for made in unreported:
        metrics = dict(zip(made.values, flat, strict=False))
        flat = flat[len(made.values) :]
        metrics[LEARNING_RATE] = learning_rate(training.stage.schedule, made.step, training.num_steps)
        metrics[SAMPLES_PER_SECOND] = rate
        metrics |= progress(training, made) | (training.system.sample() if made is unreported[-1] else {})
        events.emit("stepped", stage=training.job.index, step=made.step, metrics=metrics)
        bad = [name for name in (LOSS, GRAD_NORM) if not math.isfinite(metrics[name])]
        # In fp16 the scaler leaves out steps whose gradient overflows, and tries a smaller scale.
        if bad and not (bad == [GRAD_NORM] and training.scaler.is_enabled()):
            if not went_back:  # what came behind it was made with weights that are lost
                see_to(training, events, folder, made, f"{bad[0]} is {metrics[bad[0]]} at step {made.step}")
            went_back = training.stage.not_a_number == "go_back"
        elif not went_back:
            training.recent.append(metrics[LOSS])
            training.num_bad = 0


def progress(training: Training, made: Made) -> dict[str, float]:
    """What the stage has read by the end of the step: the other axes on which its curves can be drawn."""
    tokens = {} if made.num_tokens is None else {TOKENS: made.num_tokens}
    return {SAMPLES: made.step * training.learner.samples_per_step, **tokens}


def see_to(training: Training, events: EventLog, folder: Path, made: Made, what: str) -> None:
    """The stage's rule for a step that is no number. Raises NotANumberError to stop, or when the rule does not help."""
    training.num_bad += 1
    rule, good = training.stage.not_a_number, newest(training, folder)
    described = f"{what}, on data of {', '.join(made.sources)}; {last_good(good)}"
    if rule == "stop" or training.num_bad > MAX_BAD_STEPS or (rule == "go_back" and good is None):
        raise NotANumberError(described)
    if rule == "go_back" and good is not None:
        training.load_tensors(good)
    kind, step = {"skip": "skipped", "go_back": "went_back"}[rule], checkpoint.step_of(good) if good else None
    events.emit(kind, stage=training.job.index, step=made.step, message=described, sources=made.sources, last_good=step)


def newest(training: Training, folder: Path) -> Path | None:
    """The last checkpoint of this stage: of this folder, else the one it was resumed from."""
    own = checkpoint.of_stage(folder / "checkpoints", training.job.index)
    return own[0] if own else Path(training.job.resume) if training.job.resume else None


def last_good(folder: Path | None) -> str:
    return f"the last checkpoint is of step {checkpoint.step_of(folder)}" if folder else "there is no checkpoint yet"


def validate(training: Training, events: EventLog) -> None:
    """The figures stay with the training: those of the last step are its results, also when it is resumed right behind it."""
    training.validated = training.learner.evaluate("validation")
    events.emit("evaluated", stage=training.job.index, step=training.step, split="validation", metrics=training.validated)
    events.emit("drawn", stage=training.job.index, step=training.step, sources=training.learner.ledger())
    if loads := training.learner.loads():
        events.emit("routed", stage=training.job.index, step=training.step, loads=loads)


def save(training: Training, events: EventLog, folder: Path, *, is_final: bool = False) -> str:
    """Saves and says so; returns the checkpoint's path relative to the train folder."""
    target, size = training.save(folder / "checkpoints", is_final=is_final)
    path = str(target.relative_to(folder))
    events.emit("saved", stage=training.job.index, step=training.step, checkpoint=path, size_bytes=size, is_final=is_final)
    return path
