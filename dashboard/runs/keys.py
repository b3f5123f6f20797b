"""A stage's key: one hash of everything that decides what it trains to. Two stages with the same key are twins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from trainer import VERSION
from trainer.catalog import Card
from trainer.config import LanguageModel, Run, Stage
from trainer.loaded import is_local

WORDS_ONLY = {"name", "description"}


class Inputs(TypedDict):
    """What a key covers beside the config: the trainer, the key of the stage before, and the fingerprint of each data set."""

    version: int
    parent: str
    data: dict[str, str]


def inputs_of(config: Run, index: int, parent: str, cards: Mapping[str, Card]) -> Inputs:
    """`index` counts from 1; a data set that is not there, or has no fingerprint, is entered as ""."""
    data = {name: cards[name].fingerprint if name in cards else "" for name in sorted(data_of(config, index))}
    return {"version": VERSION, "parent": parent, "data": data}


def key_of(config: Run, index: int, inputs: Inputs) -> str:
    """Returns "" where nobody can know: a data set has no fingerprint, weights lie in a folder, the stage before has no key."""
    if not all(inputs["data"].values()) or (index > 1 and not inputs["parent"]) or reads_a_folder(config):
        return ""
    stage = canonical(config.stages[index - 1].model_dump(mode="json", exclude=WORDS_ONLY))
    texts = {"texts": texts_of(config)} if index == 1 and trains_tokenizer(config) else {}
    return digest({"model": config.model.model_dump(mode="json"), "num_threads": config.num_threads, "stage": stage, **texts, **inputs})


def canonical(stage: dict[str, Any]) -> dict[str, Any]:
    """What trains is a set, in whatever order a form or a caller lists it. Recipes list it sorted: their stages keep the keys they had."""
    return {**stage, "trainable": sorted(set(stage["trainable"]))}


def texts_of(config: Run) -> list[Any]:
    """What the run's own tokenizer is trained on, in its order; shares and weights do not matter to it."""
    return [[task.kind, getattr(task, "template", ""), [source.dataset for source in task.sources]] for task in config.watched]


def reads_a_folder(config: Run) -> bool:
    """Nobody can tell whether a local folder still holds what it held."""
    model = config.model
    names = (model.pretrained, model.tokenizer) if isinstance(model, LanguageModel) else (model.image.pretrained, model.text.pretrained)
    return any(is_local(name) for name in names)


def chain(config: Run, cards: Mapping[str, Card]) -> list[tuple[str, Inputs]]:
    """Returns key and inputs of every stage, each with the key of the one before as its parent."""
    found: list[tuple[str, Inputs]] = []
    for index in range(1, len(config.stages) + 1):
        inputs = inputs_of(config, index, found[-1][0] if found else "", cards)
        found.append((key_of(config, index, inputs), inputs))
    return found


def data_of(config: Run, index: int) -> set[str]:
    """The stage's own data sets; of a first stage that trains the run's tokenizer those of every stage."""
    stages = config.stages if index == 1 and trains_tokenizer(config) else config.stages[index - 1 : index]
    return {name for stage in stages for name in names_in(stage)}


def trains_tokenizer(config: Run) -> bool:
    return isinstance(config.model, LanguageModel) and not config.model.tokenizer and not config.model.pretrained


def names_in(stage: Stage) -> Iterable[str]:
    return (source.dataset for task in stage.tasks for source in task.sources)


def digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
