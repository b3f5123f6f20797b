"""Each objective against a computation by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.trainer import small
from trainer.config import ImageClassification, ImageTextContrast, ImageTextMatching, MaskedLanguageModelling, Sentiment, Source
from trainer.models.heads import MAX_LOGIT_SCALE
from trainer.tasks import OBJECTIVES
from trainer.tasks.image_text_contrast import contrast
from trainer.tasks.image_text_matching import cosine, pair_loss, ranking
from trainer.tasks.masked_lm import hidden_positions, replace

SOURCES = (Source(dataset="pairs"),)


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> float:
    """The target is 1 - smoothing at the label, and smoothing spread evenly over all classes."""
    total = 0.0
    for row, label in zip(logits.detach().double().tolist(), labels.tolist(), strict=True):
        log_sum = math.log(sum(math.exp(value) for value in row))
        surprise = [log_sum - value for value in row]
        total += (1 - smoothing) * surprise[label] + smoothing * sum(surprise) / len(row)
    return total / len(labels)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_image_classification_is_the_cross_entropy_of_the_pooled_features(smoothing: float) -> None:
    network, batch = small.network("image_classification"), small.batch()
    found = OBJECTIVES["image_classification"].loss(network, batch, ImageClassification(sources=SOURCES), smoothing)
    maps = network.image(batch.pictures).last_hidden_state
    logits = network.heads["image_classification"](maps.mean((2, 3)))
    assert found.loss.item() == pytest.approx(cross_entropy(logits, batch.labels, smoothing), rel=1e-5)
    assert found.predictions.tolist() == logits.argmax(1).tolist()
    assert int(found.num_right) == sum(a == b for a, b in zip(logits.argmax(1).tolist(), batch.labels.tolist(), strict=True))
    assert found.num_answers == 4


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("fusion", ["sum", "concatenation"])
def test_sentiment_is_the_cross_entropy_of_the_fused_features(fusion: str, smoothing: float) -> None:
    network, batch = small.network("sentiment", fusion=fusion), small.batch()
    found = OBJECTIVES["sentiment"].loss(network, batch, Sentiment(sources=SOURCES), smoothing)
    image = network.image_projection(network.image(batch.pictures).last_hidden_state.mean((2, 3)))
    hidden = network.text(input_ids=batch.tokens, attention_mask=batch.mask).last_hidden_state
    means = [states[: int(mask.sum())].mean(0) for states, mask in zip(hidden, batch.mask, strict=True)]
    text = network.text_projection(torch.stack(means))
    joined = image + text if fusion == "sum" else torch.cat([image, text], 1)
    logits = network.heads["sentiment"](joined.clamp(min=0))
    assert found.loss.item() == pytest.approx(cross_entropy(logits, batch.labels, smoothing), rel=1e-5)


def test_masked_lm_is_the_cross_entropy_at_the_hidden_positions_alone() -> None:
    network, batch = small.network("masked_lm"), small.batch()
    task = MaskedLanguageModelling(sources=SOURCES, mask_rate=0.4)
    found = OBJECTIVES["masked_lm"].loss(network, batch, task, 0.0)
    rng = small.batch().rng
    chosen = hidden_positions(batch.mask.numpy(), 0.4, rng)
    shown = replace(network, batch.tokens, chosen, rng)
    hidden = network.text(input_ids=shown, attention_mask=batch.mask).last_hidden_state
    head = network.heads["masked_lm"]
    states = head.norm(functional.gelu(head.dense(hidden)))
    logits = states @ network.text.embeddings.word_embeddings.weight.T + head.bias
    where = torch.from_numpy(chosen)
    assert found.num_answers == int(chosen.sum())
    assert found.loss.item() == pytest.approx(cross_entropy(logits[where], batch.tokens[where], 0.0), rel=1e-4)


def test_the_decoder_of_masked_lm_is_the_word_embedding_itself() -> None:
    network, batch = small.network("masked_lm"), small.batch()
    OBJECTIVES["masked_lm"].loss(network, batch, MaskedLanguageModelling(sources=SOURCES), 0.0).loss.backward()
    unseen = [token for token in range(500, 900) if token not in batch.tokens]
    assert bool((network.text.embeddings.word_embeddings.weight.grad[unseen].abs().sum(1) > 0).all())


@pytest.mark.parametrize("rate", [0.15, 0.5, 0.99])
def test_hidden_positions_are_counted_and_never_special_or_padding(rate: float) -> None:
    lengths = [2, 3, 5, 12, 20]
    mask = np.array([[1] * length + [0] * (20 - length) for length in lengths])
    for seed in range(50):
        chosen = hidden_positions(mask, rate, np.random.default_rng(seed))
        for row, length in enumerate(lengths):
            inner = length - 2
            assert chosen[row].sum() == (max(1, round(rate * inner)) if inner else 0)
            assert not chosen[row, 0]
            assert not chosen[row, length - 1 :].any()


def test_every_inner_position_is_hidden_at_times() -> None:
    mask = np.ones((1, 8), int)
    seen = sum(hidden_positions(mask, 0.15, np.random.default_rng(seed)).astype(int) for seed in range(200))
    assert (seen[0, 1:-1] > 0).all()


def test_hidden_tokens_become_masks_random_tokens_or_stay() -> None:
    network = small.network()
    tokens, chosen = torch.full((100, 100), 1234), np.zeros((100, 100), bool)
    chosen[:, ::2] = True
    shown = replace(network, tokens, chosen, np.random.default_rng(0)).numpy()
    assert (shown[~chosen] == 1234).all()
    share_masked = (shown[chosen] == network.mask_token).mean()
    share_kept = (shown[chosen] == 1234).mean()
    assert share_masked == pytest.approx(0.8, abs=0.02)
    assert share_kept == pytest.approx(0.1, abs=0.02)
    others = shown[chosen & (shown != 1234) & (shown != network.mask_token)]
    assert len(np.unique(others)) > 0.8 * len(others)  # of about 500 draws from a vocabulary of 2,650 one in ten is a repetition


COSINE = [[0.9, 0.5, 0.1], [0.3, 0.6, 0.8], [-0.2, 0.25, 0.4]]


def test_matching_pulls_pairs_together_and_pushes_the_others_under_the_margin() -> None:
    wrong = ~torch.eye(3, dtype=torch.bool)
    matched = (0.1 + 0.4 + 0.6) / 3
    mismatched = (0.3 + 0 + 0.1 + 0.6 + 0 + 0.05) / 6
    assert float(pair_loss(torch.tensor(COSINE), wrong, 0.2)) == pytest.approx(matched + mismatched)


def test_the_same_picture_twice_is_no_mismatch() -> None:
    same = torch.tensor([0, 0, 1])
    wrong = same.unsqueeze(0) != same.unsqueeze(1)
    mismatched = (0 + 0.6 + 0 + 0.05) / 4  # (0, 2), (1, 2), (2, 0), (2, 1)
    assert float(pair_loss(torch.tensor(COSINE), wrong, 0.2)) == pytest.approx((0.1 + 0.4 + 0.6) / 3 + mismatched)


def test_a_batch_of_one_picture_has_no_mismatches() -> None:
    assert float(pair_loss(torch.tensor([[0.7, 0.9], [0.8, 0.6]]), torch.zeros(2, 2, dtype=torch.bool), 0.2)) == pytest.approx(0.35)


def test_the_accuracy_of_matching_counts_comparisons_that_the_right_picture_wins() -> None:
    right, count = ranking(torch.tensor(COSINE), ~torch.eye(3, dtype=torch.bool))
    assert (int(right), count) == (5, 6)  # sentence 2 is nearer to picture 1 than to its own


def test_matching_compares_the_projected_features() -> None:
    network, batch = small.network(), small.batch()
    found = OBJECTIVES["image_text_matching"].loss(network, batch, ImageTextMatching(sources=SOURCES, margin=0.1), 0.0)
    image, text = network.projected(batch.pictures, batch.tokens, batch.mask)
    by_hand = functional.cosine_similarity(image.unsqueeze(1), text.unsqueeze(0), dim=2)
    assert torch.allclose(cosine(image, text), by_hand, atol=1e-6)
    assert found.loss.item() == pytest.approx(pair_loss(by_hand, ~torch.eye(4, dtype=torch.bool), 0.1).item(), rel=1e-5)


def surprise(logits: list[float], own: int) -> float:
    return math.log(sum(math.exp(value) for value in logits)) - logits[own]


def test_the_contrast_is_the_mean_of_both_cross_entropies() -> None:
    wrong = ~torch.eye(3, dtype=torch.bool)
    columns = [list(column) for column in zip(*COSINE, strict=True)]
    by_hand = sum(surprise(rows[own], own) for rows in (COSINE, columns) for own in range(3)) / 6
    found = contrast(torch.tensor(COSINE), wrong)
    assert float(found) == pytest.approx(by_hand)
    logits, own = torch.tensor(COSINE), torch.arange(3)
    assert torch.equal(found, (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2)


def test_the_same_picture_twice_is_no_wrong_answer_to_a_contrast() -> None:
    same = torch.tensor([0, 0, 1])
    rows = [([0.9, 0.1], 0), ([0.6, 0.8], 0), ([-0.2, 0.25, 0.4], 2)]  # picture 0 without sentence 1, and 1 without 0
    columns = [([0.9, -0.2], 0), ([0.6, 0.25], 0), ([0.1, 0.8, 0.4], 2)]
    by_hand = sum(surprise(logits, own) for logits, own in rows + columns) / 6
    logits = torch.tensor(COSINE, requires_grad=True)
    found = contrast(logits, same.unsqueeze(0) != same.unsqueeze(1))
    found.backward()
    assert found.item() == pytest.approx(by_hand)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 1] == logits.grad[1, 0] == 0


def test_a_batch_of_one_picture_has_nothing_to_contrast() -> None:
    assert float(contrast(torch.tensor([[0.7, 0.9], [0.8, 0.6]]), torch.zeros(2, 2, dtype=torch.bool))) == 0


def test_the_contrast_divides_the_cosines_by_a_temperature_that_learns() -> None:
    network, batch = small.network("image_text_contrast"), small.batch()
    task, head = ImageTextContrast(sources=SOURCES), network.heads["image_text_contrast"]
    assert head.logit_scale.item() == pytest.approx(math.log(1 / 0.07))
    found = OBJECTIVES["image_text_contrast"].loss(network, batch, task, 0.3)
    found.loss.backward()
    image, text = network.projected(batch.pictures, batch.tokens, batch.mask)
    cosines, own = functional.cosine_similarity(image.unsqueeze(1), text.unsqueeze(0), dim=2), torch.arange(4)
    scale = torch.tensor(1 / 0.07, requires_grad=True)
    by_torch = (functional.cross_entropy(cosines * scale, own) + functional.cross_entropy((cosines * scale).T, own)) / 2
    (slope,) = torch.autograd.grad(by_torch, scale)
    assert found.loss.item() == pytest.approx(by_torch.item(), rel=1e-4)
    assert found.num_answers == 12
    assert head.logit_scale.grad.item() == pytest.approx(slope.item() / 0.07, rel=1e-3)  # d/d log s = s d/ds
    assert network.image_projection.weight.grad.abs().sum() > 0
    assert network.text_projection.weight.grad.abs().sum() > 0


def test_the_temperature_stays_above_a_hundredth_and_comes_back_from_there() -> None:
    head = small.network("image_text_contrast").heads["image_text_contrast"]
    head.logit_scale.data.fill_(6.0)
    logits = head(torch.tensor(COSINE))
    assert torch.allclose(logits, 100 * torch.tensor(COSINE), rtol=1e-5)
    assert head.logit_scale.item() == pytest.approx(MAX_LOGIT_SCALE)
    logits.sum().backward()
    assert head.logit_scale.grad.item() != 0


def test_the_temperature_starts_where_the_network_is_told() -> None:
    network = small.network()
    network.add_head("image_text_contrast", 0, temperature=0.5)
    assert network.heads["image_text_contrast"](torch.tensor(0.4)).item() == pytest.approx(0.8)
