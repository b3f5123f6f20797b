"""The training of one stage: `fit` says when, `train_step` says how. What is trained, and on what, is the learner's to know."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainer import checkpoint, optim, probes
from trainer.bad_steps import Health, go_back, judge
from trainer.buffers import Buffers, buffers_of
from trainer.config import StageJob
from trainer.device import autocast, gpu_uuid
from trainer.events import GRAD_NORM, LEARNING_RATE, LOSS, SAMPLES, SAMPLES_PER_SECOND, TASK_WEIGHT, TOKENS, EventLog
from trainer.families.learner import Learner, Losses, Part
from trainer.randomness import random_state, restore_random_state
from trainer.schedule import learning_rate
from trainer.system import SystemFigures
from trainer.weighting import TaskWeighting

NUM_RECENT = 20
# The loss scale never falls below: what is small would become 0 in fp16, and a scale takes thousands of steps to grow again.
MIN_SCALE = 1.0


@dataclass(frozen=True)
class Made:
    """A step that has been made and not been reported: its figures are still on the device. `rate` is the optimizer's own."""

    step: int
    rate: float
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
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=job.stage.precision == "fp16")
        self.may_leave_out = job.stage.not_a_number == "skip" or self.scaler.is_enabled()
        self.buffers = Buffers(buffers_of(self.network) if self.may_leave_out else ())
        self.recent: deque[float] = deque(maxlen=NUM_RECENT)
        self.validated: dict[str, float] = {}
        self.health = Health()
        self.system = SystemFigures(gpu_uuid(self.device))

    def train_step(self) -> Made:
        """One step: draw, forward and backward part by part, clip, update. Nothing here waits for the device."""
        self.step += 1
        optim.set_rate(self.optimizer, learning_rate(self.stage.schedule, self.step, self.num_steps))
        self.optimizer.zero_grad(set_to_none=True)
        self.buffers.keep()
        parts = self.learner.draw(self.step)
        values = self.gradient(parts)
        is_good = torch.isfinite(values[GRAD_NORM]) & torch.isfinite(values[LOSS])
        self.update(is_good)
        values |= self.weights() | self.learner.after_step()
        self.buffers.restore(is_good)
        sources = sorted(frozenset[str]().union(*(part.datasets for part in parts)))
        return Made(self.step, optim.rate_of(self.optimizer), values, sources, self.learner.num_tokens)

    def gradient(self, parts: Sequence[Part]) -> dict[str, Tensor]:
        """Leaves the clipped gradient of the step with the parameters; returns its losses and the norm before it was clipped."""
        values: dict[str, Tensor] = {}
        for part in parts:
            for name, value in self.forward_backward(part, 1 / len(parts)).items():
                values[name] = values[name] + value if name in values else value
        self.scaler.unscale_(self.optimizer)
        values[GRAD_NORM] = torch.nn.utils.clip_grad_norm_(self.trained, self.stage.regularisation.clip_norm)
        return values

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

    def update(self, is_good: Tensor) -> None:
        """Under the rule `skip` and with loss scaling the optimizer itself leaves out a bad step: the device decides, nobody waits."""
        if self.may_leave_out:
            self.optimizer.found_inf = (~is_good).float().reshape(())  # type: ignore[attr-defined]
        self.optimizer.step()
        self.scaler.update()
        if self.scaler.is_enabled():
            self.scaler.update(self.scaler.scale(torch.ones((), device=self.device)).clamp(min=MIN_SCALE))

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
            "health": self.health.state(),
            "scaler": self.scaler.state_dict(),
            "num_threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
        model, stage = self.job.model.model_dump(mode="json"), self.stage.model_dump(mode="json")
        card = {"model": model, "stage": stage, "index": self.job.index, "classes": self.learner.classes()}
        size = checkpoint.write(target, tensors, {"state": state, "config": card, **self.learner.documents()})
        self.prune(folder, is_final=is_final)
        return target, size

    def prune(self, folder: Path, *, is_final: bool) -> None:
        """Spares what the stage may have to go back to: stops leave checkpoints behind it."""
        going_back = self.stage.not_a_number == "go_back" and not is_final
        checkpoint.prune(folder, self.job.index, self.stage.checkpoint_interval if going_back else None)

    def load(self, folder: Path) -> None:
        """Goes on from a checkpoint of this stage, bit for bit."""
        state = checkpoint.document(folder, "state")
        torch.set_num_threads(state["num_threads"])
        self.load_tensors(folder)
        self.learner.load_state(state["drawn"])
        self.step = state["step"]
        if "health" in state:  # not in those of earlier versions
            self.health.load_state(state["health"])
        self.recent.extend(state["recent"])
        self.validated = state["validated"]
        restore_random_state(checkpoint.tensors(folder, "random"), self.device)

    def load_tensors(self, folder: Path) -> None:
        """Takes over weights, optimizer and loss scale alone; step and order of the data stay."""
        self.scaler.load_state_dict(checkpoint.document(folder, "state")["scaler"])
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
        saving = not last and checkpoint.is_regular(training.step, stage.checkpoint_interval)
        reporting = validating or saving or training.step % stage.report_interval == 0
        if reporting or stopping:
            report(training, events, folder, unreported, began)
            unreported, began = [], time.perf_counter()
        if reporting:
            go_back(training, events, folder)
        if validating:
            validate(training, events)
        if saving or stopping:
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
    for made in unreported:
        metrics = dict(zip(made.values, flat, strict=False))
        flat = flat[len(made.values) :]
        metrics |= {LEARNING_RATE: made.rate, SAMPLES_PER_SECOND: rate, **progress(training, made)}
        if made is unreported[-1]:
            metrics |= training.system.sample()
        events.emit("stepped", stage=training.job.index, step=made.step, metrics=metrics)
        judge(training, events, folder, made.step, made.sources, metrics)


def progress(training: Training, made: Made) -> dict[str, float]:
    """What the stage has read by the end of the step: the other axes on which its curves can be drawn."""
    tokens = {} if made.num_tokens is None else {TOKENS: made.num_tokens}
    return {SAMPLES: made.step * training.learner.samples_per_step, **tokens}


def validate(training: Training, events: EventLog) -> None:
    """The figures stay with the training: those of the last step are its results, also when it is resumed right behind it."""
    training.validated = training.learner.evaluate("validation")
    events.emit("evaluated", stage=training.job.index, step=training.step, split="validation", metrics=training.validated)
    events.emit("drawn", stage=training.job.index, step=training.step, sources=training.learner.ledger())
    if loads := training.learner.loads():
        events.emit("routed", stage=training.job.index, step=training.step, loads=loads)


def save(training: Training, events: EventLog, folder: Path, *, is_final: bool = False) -> str:
    """Saves and says so, and asks the probes; returns the checkpoint's path relative to the train folder."""
    target, size = training.save(folder / "checkpoints", is_final=is_final)
    path = str(target.relative_to(folder))
    events.emit("saved", stage=training.job.index, step=training.step, checkpoint=path, size_bytes=size, is_final=is_final)
    if (given := probes.read(folder)) and (scores := training.learner.ask_probes(given)):
        events.emit("probed", stage=training.job.index, step=training.step, scores=scores)
    return path
