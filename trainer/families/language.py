"""Language models: one stream of packed rows for all tasks of a stage, and one loss a task, told apart by position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer import checkpoint
from trainer.config import AnyTask, LanguageModel, MaskedLanguageModelling, MixtureOfExpertsModel, Stage, StageJob
from trainer.data.documents import Documents, NothingLeft, pairs
from trainer.data.packing import Packed, Packer
from trainer.data.reading import open_dataset
from trainer.data.token_mixture import TokenMixture
from trainer.data.unigram import unigram_loss
from trainer.events import DIFFICULTY
from trainer.failures import in_stage
from trainer.families.curricula import samplers
from trainer.families.learner import Losses, Part
from trainer.families.parents import parent_of
from trainer.families.reader import Reader, TokenBatch
from trainer.models import language, tokenizers
from trainer.models.experts import Routing

SPLITS = ("train", "validation", "test")
# What a source is validated on while its stage trains, and asked about behind it; a test is on all of it.
MAX_ROWS = 64


@dataclass(frozen=True)
class Piece:
    """The rows of a part, and how many answers each task has among them."""

    batch: TokenBatch
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Sources:
    """What a list of tasks reads, source by source: the task's index and kind, the data set, its share, its documents."""

    tasks: list[int]
    names: list[tuple[str, str]]
    shares: list[float]
    documents: list[Documents]


class LanguageLearner:
    """The network of a stage, its tokenizer, and the documents of the stage's tasks."""

    def __init__(self, job: StageJob, datasets: Sequence[Path], device: torch.device) -> None:
        assert isinstance(job.model, LanguageModel)
        self.job, self.stage, self.model, self.datasets, self.device = job, job.stage, job.model, datasets, device
        parent = parent_of(job)
        self.tokenizer = tokenizers.from_folder(parent) if parent else tokenizers.choose(job.model, self.texts())
        self.network = language.rebuild(parent) if parent else language.build(job.model, len(self.tokenizer))
        self.network.to(device)  # type: ignore[arg-type]
        if parent:
            self.network.load_state_dict(checkpoint.tensors(parent, "model"))
        language.set_dropout(self.network, job.stage.regularisation.dropout)
        self.reader = Reader(self.network, self.tokenizer, job.model, self.mask_rate, device)
        self.routing = Routing(self.network, job.model) if isinstance(job.model, MixtureOfExpertsModel) else None
        # The test split is opened by the last stage alone.
        self.splits = {split: self.sources(job.stage.tasks, split) for split in (SPLITS if job.is_last else SPLITS[:2])}
        train = self.splits["train"]
        sizes = [len(documents) for documents in train.documents]
        self.samplers = samplers(job.stage, train.names, train.documents, self.reader.document_losses)
        self.mixture = TokenMixture(train.names, sizes, train.shares, job.stage.seed, self.samplers)
        self.packer = Packer(self.mixture, train.documents, train.tasks, self.model.max_tokens, self.reader.pad)
        if self.stage.compile:
            self.network.base_model.compile()

    @property
    def mask_rate(self) -> float | None:
        return next((task.mask_rate for task in self.stage.tasks if isinstance(task, MaskedLanguageModelling)), None)

    def texts(self) -> Iterator[str]:
        """Yields what a tokenizer is trained on: the training texts of the whole run."""
        for task in self.job.watched or self.stage.tasks:
            for source in task.sources:
                for prompt, answer in pairs(open_dataset(source.dataset, "train", self.datasets), task):
                    yield prompt + answer

    def sources(self, tasks: Sequence[AnyTask], split: str) -> Sources:
        """Tokenises the split of every source. Raises ValueError, naming the field, where nothing is left of one."""
        found = Sources([], [], [], [])
        for number, task in enumerate(tasks):
            for place, source in enumerate(task.sources):
                found.tasks.append(number)
                found.names.append((task.kind, source.dataset))
                found.shares.append(source.share)
                found.documents.append(self.tokenised(task, source.dataset, split, f"tasks.{number}.sources.{place}.dataset"))
        return found

    def tokenised(self, task: AnyTask, dataset: str, split: str, field: str) -> Documents:
        with in_stage(self.job.index, field):
            return self.reader.tokenised(task, dataset, split, self.datasets)

    # --- a step ----------------------------------------------------------------------------------------------------------

    def draw(self, step: int) -> list[Part]:
        packed = self.reader.asked(self.packer.batch(self.stage.batch_size, step), self.stage.seed, step)
        bounds = [round(number * self.stage.batch_size / self.stage.accumulation) for number in range(self.stage.accumulation + 1)]
        pieces = [packed.rows(start, stop) for start, stop in pairwise(bounds)]
        totals = self.counts(packed)
        if self.routing:
            self.routing.begin_step()
        if not any(totals):
            raise ValueError(f"stages.{self.job.index - 1}.tasks: the batch of step {step} has no token to predict")
        return [part for piece in pieces if (part := self.part(piece, totals)).shares]

    def part(self, packed: Packed, totals: Sequence[int]) -> Part:
        counts = self.counts(packed)
        kinds = [task.kind for task in self.stage.tasks]
        shares: dict[str, float] = {kind: count / total for kind, count, total in zip(kinds, counts, totals, strict=True) if count}
        names = frozenset(self.mixture.names[source][1] for row in packed.sources for source in row)
        return Part(Piece(self.reader.to_device(packed), counts), shares, names)

    def counts(self, packed: Packed) -> tuple[int, ...]:
        return tuple(np.bincount(packed.tasks, minlength=len(self.stage.tasks)).tolist())

    def losses(self, part: Part) -> Losses:
        """The mean cross-entropy over the answers of each task, in nats."""
        piece: Piece = part.batch
        batch, smoothing = piece.batch, self.stage.regularisation.label_smoothing
        if self.routing:
            self.routing.expect(batch.real)
        surprise_N = functional.cross_entropy(self.reader.logits(batch), batch.answers, reduction="none", label_smoothing=smoothing)
        each: dict[str, Tensor] = {
            task.kind: (surprise_N * (batch.tasks == number)).sum() / count
            for number, (task, count) in enumerate(zip(self.stage.tasks, piece.counts, strict=True))
            if count
        }
        return Losses(each, self.routing.losses() if self.routing else {})

    def after_step(self) -> dict[str, Tensor]:
        found = self.routing.end_step() if self.routing else {}
        if heard := [value for sampler in self.samplers.values() for value in sampler.heard()]:
            found[DIFFICULTY] = torch.full((), sum(heard) / len(heard), device=self.device)
        return found

    def set_training(self) -> None:
        self.network.train()

    @property
    def samples_per_step(self) -> int:
        return self.stage.batch_size

    @property
    def num_tokens(self) -> int | None:
        return sum(self.mixture.num_tokens)

    # --- figures ---------------------------------------------------------------------------------------------------------

    def evaluate(self, split: str, *, by_class: bool = False) -> dict[str, float]:
        """Loss in nats and accuracy a token: of the first task, of each where there are several, and the weighted loss of all."""
        sources, most = self.splits[split], None if split == "test" else MAX_ROWS
        told = [self.reader.measure(documents, most) for documents in sources.documents]
        each = [summed([figures for figures, task in zip(told, sources.tasks, strict=True) if task == number]) for number in self.numbers]
        return by_task(self.stage, split, each)

    @property
    def numbers(self) -> range:
        return range(len(self.stage.tasks))

    def watch(self) -> tuple[dict[str, float], dict[str, float]]:
        """A data set that several tasks read is asked about by the first of them; one of which no document fits, by none."""
        losses: dict[str, float] = {}
        baseline: dict[str, float] = {}
        for task in self.job.watched:
            for dataset in (source.dataset for source in task.sources if source.dataset not in losses):
                with suppress(NothingLeft):
                    losses[dataset], baseline[dataset] = self.asked_about(task, dataset)
        return losses, baseline

    def asked_about(self, task: AnyTask, dataset: str) -> tuple[float, float]:
        """Returns the validation loss and that of a unigram model. Raises NothingLeft: the stage that trains on it will say so."""
        train, validation = (self.reader.tokenised(task, dataset, split, self.datasets) for split in ("train", "validation"))
        asked = np.concatenate([packed.answers for packed in self.reader.questions(validation, MAX_ROWS)])
        baseline = unigram_loss(self.reader.predicted(train), asked, len(self.tokenizer))
        return summed([self.reader.measure(validation, MAX_ROWS)])["loss"], baseline

    def ask_probes(self, probes: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        return {}

    def loads(self) -> list[list[float]]:
        return self.routing.loads() if self.routing else []

    def remarks(self) -> list[str]:
        return [
            f"{each.num_left_out} of the {len(each) + each.num_left_out} documents of {each.name} have more than {self.model.max_tokens} "
            "tokens and are left out"
            for each in self.splits["train"].documents
            if each.num_left_out
        ]

    def ledger(self) -> list[dict[str, Any]]:
        return self.mixture.ledger()

    # --- state -----------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        routed = self.routing.reported_LE.tolist() if self.routing else None
        return {"mixture": self.mixture.state(), "packer": self.packer.state(), "routed": routed}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.mixture.load_state(state["mixture"])
        self.packer.load_state(state["packer"])
        if self.routing and state.get("routed"):
            self.routing.reported_LE = torch.tensor(state["routed"], device=self.device)

    def documents(self) -> dict[str, Any]:
        return {"network": language.sizes(self.network), **tokenizers.documents(self.tokenizer)}

    def classes(self) -> dict[str, list[str]]:
        return {}


def by_task(stage: Stage, split: str, each: Sequence[dict[str, float]]) -> dict[str, float]:
    """Names the figures of the tasks, in their order: those of the first, each where there are several, and the weighted loss of all."""
    found = {f"{split}/{name}": value for name, value in each[0].items()}
    found[f"{split}/loss"] = sum(task.weight * figures["loss"] for task, figures in zip(stage.tasks, each, strict=True))
    if len(each) > 1:
        kinds = [task.kind for task in stage.tasks]
        found |= {f"{split}/{kind}/{name}": value for kind, figures in zip(kinds, each, strict=True) for name, value in figures.items()}
    return found


def summed(told: Sequence[tuple[float, float, int]]) -> dict[str, float]:
    total, num_right, num_answers = (sum(column) for column in zip(*told, strict=True))
    return {"loss": total / max(num_answers, 1), "accuracy": num_right / max(num_answers, 1)}
