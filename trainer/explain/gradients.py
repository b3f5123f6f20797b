"""Which words counted: integrated gradients (Sundararajan et al., 2017) on the word embeddings. B batch, T tokens, H width, K classes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainer.explain.odds import log_odds
from trainer.models.network import Network

METHOD = "Integrated gradients"
NUM_POINTS = 16
Score = Callable[[Tensor], Tensor]


def integrated_gradients(score: Score, given_TH: Tensor, baseline_TH: Tensor, num_points: int = NUM_POINTS) -> Tensor:
    """Returns what each token adds on the way from the baseline to the given embeddings, (K, T).

    `score` takes (B, T, H) and returns (B, K), each row for itself. The sum over the tokens is the score's difference between the two
    ends (completeness), but for the error of the integral; the path's points are those of Gauss and Legendre.
    """
    places, weights = np.polynomial.legendre.leggauss(num_points)
    at_B11 = given_TH.new_tensor((places + 1) / 2).view(-1, 1, 1)
    weights_B = given_TH.new_tensor(weights / 2)
    with torch.enable_grad():
        path_BTH = (baseline_TH + at_B11 * (given_TH - baseline_TH)).detach().requires_grad_()
        scores_BK = score(path_BTH)
        rows = [torch.autograd.grad(scores_BK[:, k].sum(), path_BTH, retain_graph=True)[0] for k in range(scores_BK.shape[1])]
    mean_KTH = torch.einsum("b,kbth->kth", weights_B, torch.stack(rows))
    return (mean_KTH * (given_TH - baseline_TH)).sum(2).detach()


def tokens_that_counted(
    network: Network, picture_13SS: Tensor | None, tokens_1T: Tensor, mask_1T: Tensor, hidden_token: int, kept: list[int]
) -> tuple[Tensor, float]:
    """Returns (K, T), and by how much the sum over the tokens misses the difference of the scores, at most over the classes.

    In the baseline every token is `hidden_token`, but for those in `kept`: they frame every sentence.
    """
    hidden_1T = torch.full_like(tokens_1T, hidden_token)
    hidden_1T[:, kept] = tokens_1T[:, kept]

    def score(embedded_BTH: Tensor) -> Tensor:
        num_rows = len(embedded_BTH)
        with embeddings_replaced(network, embedded_BTH), picture_repeated(network, num_rows):
            logits_BK: Tensor = network(picture_13SS, tokens_1T.expand(num_rows, -1), mask_1T.expand(num_rows, -1))
        return log_odds(logits_BK)

    words = network.text.embeddings.word_embeddings
    with torch.no_grad():
        given_TH, baseline_TH = words(tokens_1T)[0], words(hidden_1T)[0]
        ends_2K = score(torch.stack([given_TH, baseline_TH]))
    found_KT = integrated_gradients(score, given_TH, baseline_TH)
    gap = (found_KT.sum(1) - (ends_2K[0] - ends_2K[1])).abs().max()
    return found_KT, float(gap)


@contextlib.contextmanager
def embeddings_replaced(network: Network, embedded_BTH: Tensor) -> Iterator[None]:
    """The text encoder takes these embeddings, whatever the tokens are."""
    hook = network.text.embeddings.word_embeddings.register_forward_hook(lambda *_: embedded_BTH)
    try:
        yield
    finally:
        hook.remove()


@contextlib.contextmanager
def picture_repeated(network: Network, num_rows: int) -> Iterator[None]:
    """One picture is encoded once and stands beside every row."""

    def repeat(module: object, given: object, found: Any) -> Any:
        for name in ("last_hidden_state", "pooler_output"):
            found[name] = found[name].expand(num_rows, -1, -1, -1)
        return found

    hook = network.image.register_forward_hook(repeat)
    try:
        yield
    finally:
        hook.remove()
