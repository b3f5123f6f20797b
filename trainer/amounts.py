"""How long a stage is and how much of each data set it draws: samples for image + text, tokens for language models. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from trainer.catalog import Card
from trainer.config import LanguageModel, Model, Stage, Task

# Of English under byte-level BPE with 4,096 tokens, ends of documents included: speeches 1.5, definitions 2.0, code 2.9.
TOKENS_PER_WORD = 1.5


@dataclass(frozen=True)
class PlannedSource:
    """`share` is of the task's samples. For a language model it is of the stage's tokens, and only `num_tokens` is exact then."""

    dataset: str
    share: float
    num_samples: int
    epochs: float
    num_tokens: int | None = None


def num_steps(stage: Stage, cards: Mapping[str, Card], model: Model) -> int:
    """Returns the length in steps; an epoch is one pass over the training data of the task that has most of it.

    For a language model that is an estimate by the number of words, for only its tokenizer can count tokens.
    """
    if stage.steps is not None:
        return stage.steps
    assert stage.epochs is not None
    if isinstance(model, LanguageModel):
        available, task = max(((tokens_for(task, cards), task) for task in stage.tasks), key=lambda pair: pair[0])
        return max(1, math.ceil(stage.epochs * available / (share_of(task, stage) * stage.batch_size * model.max_tokens)))
    rows = max(sum(rows_of(source.dataset, cards) for source in task.sources) for task in stage.tasks)
    return max(1, math.ceil(stage.epochs * rows / stage.batch_size))


def share_of(task: Task, stage: Stage) -> float:
    """The task's share of a language model's batch, which the tasks of a stage divide among them."""
    return shares(task) / sum(map(shares, stage.tasks))


def shares(task: Task) -> float:
    return sum(source.share for source in task.sources)


def rows_of(dataset: str, cards: Mapping[str, Card]) -> int:
    return cards[dataset].num_samples.get("train", 0) if dataset in cards else 0


def tokens_of(dataset: str, cards: Mapping[str, Card]) -> float:
    """An estimate; 0 where the card does not know how many words a sample has."""
    return rows_of(dataset, cards) * tokens_per_sample(dataset, cards)


def tokens_for(task: Task, cards: Mapping[str, Card]) -> float:
    return sum(tokens_of(source.dataset, cards) for source in task.sources)


def tokens_per_sample(dataset: str, cards: Mapping[str, Card]) -> float:
    return (cards[dataset].mean_words or 0.0) * TOKENS_PER_WORD if dataset in cards else 0.0


def planned_sources(stage: Stage, task: Task, cards: Mapping[str, Card], model: Model) -> list[PlannedSource]:
    steps = num_steps(stage, cards, model)
    if isinstance(model, LanguageModel):
        total = sum(map(shares, stage.tasks))
        drawn = steps * stage.batch_size * model.max_tokens
        return [of_tokens(source.dataset, source.share / total, drawn, cards) for source in task.sources]
    return [of_samples(source.dataset, source.share / shares(task), steps * stage.batch_size, cards) for source in task.sources]


def of_samples(dataset: str, share: float, total: int, cards: Mapping[str, Card]) -> PlannedSource:
    drawn, rows = round(total * share), rows_of(dataset, cards)
    return PlannedSource(dataset, share, drawn, drawn / rows if rows else 0.0)


def of_tokens(dataset: str, share: float, total: int, cards: Mapping[str, Card]) -> PlannedSource:
    drawn, available = round(total * share), tokens_of(dataset, cards)
    if not available:
        return PlannedSource(dataset, share, 0, 0.0, drawn)
    return PlannedSource(dataset, share, round(drawn / tokens_per_sample(dataset, cards)), drawn / available, drawn)
