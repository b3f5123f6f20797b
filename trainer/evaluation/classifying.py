"""Asks a network about every sample of a split, once as it lies there and once under each other view of it.

B samples of a batch, N of a split, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trainer.config import Stage
from trainer.data.samples import Index, Samples
from trainer.device import autocast, to_batch
from trainer.evaluate import BATCH_SIZE
from trainer.evaluation.facts import facts_of
from trainer.evaluation.predictions import Predictions
from trainer.models.network import Network
from trainer.progress import Advance, to_nobody
from trainer.tasks import OBJECTIVES
from trainer.tasks.objective import Batch


class Given(NamedTuple):
    """A batch, the batch of the samples that lend their picture or their sentence, and a sentence of no words, int64 (T) each."""

    own: Batch
    other: Batch
    no_tokens: Tensor
    no_mask: Tensor


View = Callable[[Given], Batch]
AS_IT_IS: Mapping[str, View] = {"as_it_is": lambda given: given.own}


@torch.no_grad()
def probabilities(
    network: Network, stage: Stage, kind: str, samples: Samples, views: Mapping[str, View], advance: Advance = to_nobody
) -> dict[str, np.ndarray]:
    """Returns the probabilities of a task that classifies under each view, float64 (N, K), in evaluation mode.

    A sample's partner is another one of the split: the next in a permutation that is drawn by the stage's seed.
    """
    network.eval()
    order, found = samples.in_order(), {name: list[np.ndarray]() for name in views}
    partners = partners_of(order, stage.seed)
    for start in range(0, len(order), BATCH_SIZE):
        chosen = slice(start, start + BATCH_SIZE)
        given = given_of(network, kind, samples, order[chosen], partners[chosen] if len(views) > 1 else order[chosen])
        for name, view in views.items():
            found[name].append(softmax_of(network, stage, kind, view(given)))
        advance("Asking about each sample", min(start + BATCH_SIZE, len(order)), len(order))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def partners_of(order: Sequence[Index], seed: int) -> list[Index]:
    """Returns for each sample another one, where there are two or more; each is a partner once."""
    shuffled = np.random.default_rng([seed]).permutation(len(order))
    partner = np.empty_like(shuffled)
    partner[shuffled] = np.roll(shuffled, 1)
    return [order[number] for number in partner]


def given_of(network: Network, kind: str, samples: Samples, chosen: Sequence[Index], partners: Sequence[Index]) -> Given:
    device, needs, rng = next(network.parameters()).device, OBJECTIVES[kind].needs, np.random.default_rng(0)
    own = to_batch(samples.columns(chosen, needs), device, rng)
    other = own if partners is chosen else to_batch(samples.columns(partners, needs), device, rng)
    empty = samples.tokenizer.encode("")
    return Given(own, other, torch.tensor(empty.ids, device=device), torch.tensor(empty.attention_mask, device=device))


def softmax_of(network: Network, stage: Stage, kind: str, batch: Batch) -> np.ndarray:
    logits = OBJECTIVES[kind].logits
    assert logits is not None
    with autocast(next(network.parameters()).device, stage.precision):
        found_BK = logits(network, batch)
    probabilities_BK: np.ndarray = found_BK.double().softmax(1).cpu().numpy()
    return probabilities_BK


def predictions(kind: str, split: str, samples: Samples, probabilities_NK: np.ndarray) -> Predictions:
    order = samples.in_order()
    facts = [facts_of(samples.rows[source], row) for source, row in order]
    names = [samples.rows[source].card.name for source, _ in order]
    rows, labels = np.array([row for _, row in order], np.int64), samples.labels(order)
    return Predictions(kind, split, tuple(samples.classes), names, rows, labels, probabilities_NK, facts)
