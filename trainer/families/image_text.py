"""Image + text: each task draws its own batch from its own sources, and the encoders, projections and heads learn together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from trainer import checkpoint
from trainer.config import AnyTask, ImageTextContrast, ImageTextModel, StageJob
from trainer.data.mixture import Mixture
from trainer.data.picture_cache import PictureCache
from trainer.data.pictures import augment
from trainer.data.samples import Index, Samples
from trainer.device import to_batch
from trainer.evaluate import evaluate
from trainer.events import DIFFICULTY
from trainer.failures import in_stage
from trainer.families.learner import Losses, Part
from trainer.families.parents import parent_of
from trainer.families.probing import score
from trainer.models.network import build, rebuild, set_dropout, set_training
from trainer.sample_losses import sample_losses
from trainer.tasks import OBJECTIVES
from trainer.tasks.objective import Batch

SPLITS = ("train", "validation", "test")


class ImageTextLearner:
    """The network of a stage with the samples of its tasks."""

    def __init__(self, job: StageJob, datasets: Sequence[Path], device: torch.device) -> None:
        assert isinstance(job.model, ImageTextModel)
        self.job, self.stage, self.device = job, job.stage, device
        parent = parent_of(job)
        self.network, tokenizer = rebuild(job.model, parent) if parent else build(job.model)
        self.tokenizer = tokenizer.to_str()
        # The test split is opened by the last stage alone.
        splits = SPLITS if job.is_last else SPLITS[:2]
        cache = PictureCache(job.model.image.image_size)
        self.samples: dict[str, dict[str, Samples]] = {
            split: {task.kind: Samples(task, split, datasets, tokenizer, cache) for task in self.stage.tasks} for split in splits
        }
        self.add_heads()
        if parent:
            self.inherit(parent)
        self.network.to(device)
        set_dropout(self.network, self.stage.regularisation.dropout)
        self.mixtures: dict[str, Mixture] = {task.kind: self.mixture_of(task) for task in self.stage.tasks}
        self.difficulty: float | None = None
        if self.stage.compile:
            self.network.image.compile()
            self.network.text.compile()

    def add_heads(self) -> None:
        for task in self.stage.tasks:
            if task.kind in NEEDS_HEAD:
                classes = self.samples["train"][task.kind].classes if OBJECTIVES[task.kind].has_classes else []
                fields = {"temperature": task.temperature} if isinstance(task, ImageTextContrast) else {}
                self.network.add_head(task.kind, len(classes), **fields)

    def mixture_of(self, task: AnyTask) -> Mixture:
        """A curriculum by loss asks about the weights that the stage starts from. Raises ValueError for what cannot be measured."""
        samples, curriculum = self.samples["train"][task.kind], self.stage.curriculum
        with in_stage(self.job.index):
            losses = sample_losses(self.network, self.stage, task, samples) if curriculum and curriculum.loss else ()
            return samples.mixture(task, self.stage.seed, curriculum, losses)

    # --- a step ----------------------------------------------------------------------------------------------------------

    def draw(self, step: int) -> list[Part]:
        """A part holds a piece of every task's batch; masks and augmentation are seeded by stage, step, task and part alone."""
        drawn: dict[str, list[Index]] = {kind: mixture.draw(self.stage.batch_size, step) for kind, mixture in self.mixtures.items()}
        if self.stage.curriculum:
            self.difficulty = sum(self.mixtures[kind].difficulty_of(indices) for kind, indices in drawn.items()) / len(drawn)
        pieces = np.array_split(np.arange(self.stage.batch_size), self.stage.accumulation)
        return [self.part(drawn, step, number, piece) for number, piece in enumerate(pieces)]

    def part(self, drawn: Mapping[str, list[Index]], step: int, number: int, piece: np.ndarray) -> Part:
        chosen = {kind: [indices[place] for place in piece] for kind, indices in drawn.items()}
        batch = {
            task.kind: self.batch(place, chosen[task.kind], [self.stage.seed, step, place, number])
            for place, task in enumerate(self.stage.tasks)
        }
        names = frozenset(self.mixtures[kind].names[source] for kind, indices in chosen.items() for source, _ in indices)
        return Part(batch, dict.fromkeys(batch, len(piece) / self.stage.batch_size), names)

    def batch(self, place: int, indices: list[Index], seed: list[int]) -> Batch:
        task = self.stage.tasks[place]
        # The first part is seeded as an undivided batch is.
        rng = np.random.default_rng(seed if seed[-1] else seed[:-1])
        columns = self.samples["train"][task.kind].columns(indices, OBJECTIVES[task.kind].needs)
        pictures = None if columns.pictures is None else augment(columns.pictures, rng)
        return to_batch(columns, self.device, rng, pictures)

    def losses(self, part: Part) -> Losses:
        smoothing = self.stage.regularisation.label_smoothing
        each: dict[str, Tensor] = {
            task.kind: OBJECTIVES[task.kind].loss(self.network, part.batch[task.kind], task, smoothing).loss for task in self.stage.tasks
        }
        return Losses(each)

    def after_step(self) -> dict[str, Tensor]:
        return {} if self.difficulty is None else {DIFFICULTY: torch.full((), self.difficulty, device=self.device)}

    def set_training(self) -> None:
        set_training(self.network)

    @property
    def samples_per_step(self) -> int:
        return self.stage.batch_size * len(self.stage.tasks)

    @property
    def num_tokens(self) -> int | None:
        return None

    # --- figures ---------------------------------------------------------------------------------------------------------

    def evaluate(self, split: str, *, by_class: bool = False) -> dict[str, float]:
        return evaluate(self.network, self.stage, self.samples[split], split, by_class=by_class)

    def ask_probes(self, probes: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        classes = self.classes().get("sentiment")
        return score(self.network, Tokenizer.from_str(self.tokenizer), classes, probes) if classes else {}

    def loads(self) -> list[list[float]]:
        return []

    def watch(self) -> tuple[dict[str, float], dict[str, float]]:
        """Nothing: the heads of other stages are not here."""
        return {}, {}

    def remarks(self) -> list[str]:
        return []

    def ledger(self) -> list[dict[str, Any]]:
        return [row for task in self.stage.tasks for row in self.rows_of(task)]

    def rows_of(self, task: AnyTask) -> list[dict[str, Any]]:
        mixture = self.mixtures[task.kind]
        total = max(sum(mixture.drawn), 1)
        return [
            {
                "task": task.kind,
                "dataset": name,
                "asked": float(share),
                "seen": drawn / total,
                "num_samples": drawn,
                "num_tokens": None,
                "epochs": drawn / size,
            }
            for name, share, drawn, size in zip(mixture.names, mixture.shares, mixture.drawn, mixture.sizes, strict=True)
        ]

    # --- state -----------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {kind: mixture.state() for kind, mixture in self.mixtures.items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        for kind, drawn in state.items():
            self.mixtures[kind].load_state(drawn)

    def documents(self) -> dict[str, Any]:
        encoders = {"image": self.network.image.config.to_diff_dict(), "text": self.network.text.config.to_diff_dict()}
        return {"encoders": encoders, "tokenizer": self.tokenizer}

    def classes(self) -> dict[str, list[str]]:
        """The classes of each head, in the order of its logits."""
        named = [task.kind for task in self.stage.tasks if OBJECTIVES[task.kind].has_classes]
        return {kind: self.samples["train"][kind].classes for kind in named}

    # --- the stage before ------------------------------------------------------------------------------------------------

    def inherit(self, parent: Path) -> None:
        """Takes over the parent's weights; heads may come and go between stages, everything else is the same."""
        weights = {name: tensor for name, tensor in checkpoint.tensors(parent, "model").items() if not name.startswith("heads.")}
        missing, unexpected = self.network.load_state_dict(weights | self.heads_of(parent, self.network.state_dict()), strict=False)
        assert all(name.startswith("heads.") for name in [*missing, *unexpected])

    def heads_of(self, parent: Path, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Returns the parent's weights of heads that this stage has too; one that told other classes apart is learnt anew."""
        classes = checkpoint.document(parent, "config")["classes"]
        tensors = checkpoint.tensors(parent, "model")
        found = {name: tensor for name, tensor in tensors.items() if name.startswith("heads.") and name in own}
        return {name: tensor for name, tensor in found.items() if self.fits(name.split(".")[1], classes)}

    def fits(self, task: str, classes: Mapping[str, list[str]]) -> bool:
        return not OBJECTIVES[task].has_classes or classes.get(task) == self.samples["train"][task].classes


NEEDS_HEAD = ("image_classification", "masked_lm", "sentiment", "image_text_contrast")
