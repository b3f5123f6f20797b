"""Masked language modelling: guess hidden tokens from both sides (BERT, arXiv 1810.04805, section 3.1)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer.config import MaskedLanguageModelling, Task
from trainer.models.network import Network
from trainer.tasks.objective import Batch, Result, classified

NUM_SPECIAL = 2  # [CLS] in front and [SEP] behind are never hidden


def loss(network: Network, batch: Batch, task: Task, label_smoothing: float) -> Result:
    """Logits are made at the hidden positions alone: over the whole batch the decoder would be the costliest layer."""
    assert isinstance(task, MaskedLanguageModelling)
    assert batch.tokens is not None
    assert batch.mask is not None
    assert batch.host_mask is not None
    chosen = hidden_positions(batch.host_mask, task.mask_rate, batch.rng)
    tokens = replace(network, batch.tokens, chosen, batch.rng)
    where_N = torch.from_numpy(np.flatnonzero(chosen)).to(tokens.device)
    hidden_NH = network.hidden_states(tokens, batch.mask).flatten(0, 1).index_select(0, where_N)
    embeddings = network.text.get_input_embeddings().weight
    logits = network.heads["masked_lm"](hidden_NH, embeddings)
    answers = batch.tokens.flatten().index_select(0, where_N)
    return classified(
        logits, answers, functional.cross_entropy(logits, answers, reduction="sum", label_smoothing=label_smoothing) / max(len(answers), 1)
    )


def hidden_positions(mask_BT: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Returns bool (B, T): exactly max(1, rate * inner tokens) positions of each sentence, never [CLS], [SEP] or padding."""
    chosen = np.zeros(mask_BT.shape, bool)
    for row, length in enumerate(mask_BT.sum(1)):
        inner = int(length) - NUM_SPECIAL
        if inner > 0:
            count = max(1, round(rate * inner))
            chosen[row, 1 + rng.permutation(inner)[:count]] = True
    return chosen


def replace(network: Network, tokens_BT: Tensor, chosen: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Of the chosen tokens 80 % become [MASK], 10 % a random token, 10 % stay."""
    size, fate = network.text.config.vocab_size, rng.random(chosen.shape)
    random_tokens = torch.from_numpy(rng.integers(0, size, chosen.shape)).to(tokens_BT.device)
    masked = torch.from_numpy(chosen & (fate < 0.8)).to(tokens_BT.device)
    randomised = torch.from_numpy(chosen & (fate >= 0.8) & (fate < 0.9)).to(tokens_BT.device)
    return tokens_BT.masked_fill(masked, network.mask_token).where(~randomised, random_tokens)
