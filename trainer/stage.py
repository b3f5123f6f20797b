"""One stage from its config to its final checkpoint: data, network, parent or resumed weights, training, results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from trainer import catalog, checkpoint
from trainer.config import StageJob
from trainer.data.samples import Samples
from trainer.device import choose, describe, set_threads
from trainer.evaluate import evaluate
from trainer.events import LOSS, EventLog
from trainer.loop import Training, fit, save
from trainer.manifest import Damaged, verify
from trainer.models.network import Network, build, set_dropout, set_trainable
from trainer.plan import check_stage, num_steps
from trainer.tasks import OBJECTIVES

SPLITS = ("train", "validation", "test")


def train_stage(job: StageJob, folder: Path, events: EventLog, datasets: Sequence[Path], stop_asked: Callable[[], bool]) -> Path | None:
    """Trains the stage to its end and returns its final checkpoint, or None when it was asked to stop.

    Raises ValueError for a config that cannot be trained, NotANumberError when the loss diverges.
    """
    cards = catalog.load(datasets)
    if problems := [problem for problem in check_stage(job.stage, job.index - 1, cards) if problem.blocks]:
        raise ValueError("; ".join(str(problem) for problem in problems))
    set_threads(job.num_threads)
    training = prepare(job, datasets, num_steps(job.stage, cards))
    resume(training, folder, events)
    start(training, events)
    return finish(training, folder, events) if fit(training, events, folder, stop_asked) else None


def prepare(job: StageJob, datasets: Sequence[Path], steps: int) -> Training:
    """Builds network and data; the weights are the parent's, or seeded by the stage."""
    device = choose(job.stage.precision)
    torch.manual_seed(job.stage.seed)
    network, tokenizer = build(job.model)
    samples = load_samples(job, datasets, tokenizer)
    add_heads(network, job, samples["train"])
    if job.parent:
        inherit(network, Path(job.parent), samples["train"])
    choose_trainable(network, job)
    set_dropout(network, job.stage.regularisation.dropout)
    return Training(job, network.to(device), tokenizer.to_str(), samples, steps)


def load_samples(job: StageJob, datasets: Sequence[Path], tokenizer: Tokenizer) -> dict[str, dict[str, Samples]]:
    """The test split is opened by the last stage alone."""
    splits = SPLITS if job.is_last else SPLITS[:2]
    side = job.model.image.image_size
    return {split: {task.kind: Samples(task, split, datasets, tokenizer, side) for task in job.stage.tasks} for split in splits}


def add_heads(network: Network, job: StageJob, samples: dict[str, Samples]) -> None:
    for task in job.stage.tasks:
        if task.kind == "masked_lm":
            network.add_head(task.kind, 0)
        elif OBJECTIVES[task.kind].has_classes:
            network.add_head(task.kind, len(samples[task.kind].classes))


def choose_trainable(network: Network, job: StageJob) -> None:
    try:
        set_trainable(network, job.stage.trainable)
    except ValueError as error:
        raise ValueError(f"stages.{job.index - 1}.{error}") from error


def inherit(network: Network, parent: Path, samples: Mapping[str, Samples]) -> None:
    """Takes over the parent's weights; heads may come and go between stages, everything else must fit. Raises ValueError."""
    verify(parent)
    weights = {name: tensor for name, tensor in checkpoint.tensors(parent, "model").items() if not name.startswith("heads.")}
    own = network.state_dict()
    for name, tensor in weights.items():
        if name in own and own[name].shape != tensor.shape:
            raise ValueError(f"parent: {name} has the shape {tuple(tensor.shape)}, this model wants {tuple(own[name].shape)}")
    missing, unexpected = network.load_state_dict(weights | heads(parent, own, samples), strict=False)
    wrong = [name for name in [*missing, *unexpected] if not name.startswith("heads.")]
    if wrong:
        raise ValueError(f"parent: the checkpoint is of another model ({wrong[0]})")


def heads(parent: Path, own: Mapping[str, Tensor], samples: Mapping[str, Samples]) -> dict[str, Tensor]:
    """Returns the parent's weights of heads that this stage has too; one that told other classes apart is learnt anew."""
    classes = checkpoint.document(parent, "config")["classes"]
    found = {name: tensor for name, tensor in checkpoint.tensors(parent, "model").items() if name.startswith("heads.") and name in own}
    return {name: tensor for name, tensor in found.items() if fits(name.split(".")[1], classes, samples)}


def fits(task: str, classes: Mapping[str, list[str]], samples: Mapping[str, Samples]) -> bool:
    return not OBJECTIVES[task].has_classes or classes.get(task) == samples[task].classes


def resume(training: Training, folder: Path, events: EventLog) -> None:
    """Goes on from the newest whole checkpoint of this stage: the folder's own, else the one the job names."""
    own = checkpoint.of_stage(folder / "checkpoints", training.job.index)
    named = Path(training.job.resume) if training.job.resume else None
    for candidate in own + (siblings(named) if named else []):
        try:
            verify(candidate)
        except Damaged as damage:
            events.emit("warned", stage=training.job.index, message=f"{damage}; an earlier checkpoint is used")
            continue
        refuse_another_config(training.job, candidate)
        training.load(candidate)
        return


def refuse_another_config(job: StageJob, folder: Path) -> None:
    """Raises ValueError: a stage that goes on under changed settings would be neither the one nor the other."""
    card = checkpoint.document(folder, "config")
    for name, settings in (("model", job.model), ("stage", job.stage)):
        if card[name] != settings.model_dump(mode="json"):
            raise ValueError(f"{name}: config.json has changed since {folder.name} was saved; train it in a new folder")


def siblings(named: Path) -> list[Path]:
    """The named checkpoint, then the older ones beside it."""
    found = checkpoint.NAME.match(named.name)
    assert found, f"{named} is no name of a checkpoint"
    stage, step = int(found[1]), int(found[2])
    return [named, *(path for path in checkpoint.of_stage(named.parent, stage) if checkpoint.step_of(path) < step)]


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


def finish(training: Training, folder: Path, events: EventLog) -> Path:
    """Saves the final checkpoint, tests the last stage, and sums up."""
    path = save(training, events, folder, is_final=True)
    results = {LOSS: sum(training.recent) / len(training.recent), **training.validated}
    if training.job.is_last:
        tested = evaluate(training.network, training.stage, training.samples["test"], "test")
        events.emit("evaluated", stage=training.job.index, step=training.step, split="test", metrics=tested)
        results |= tested
    events.emit("finished", stage=training.job.index, step=training.step, checkpoint=path, results=results)
    return folder / path
