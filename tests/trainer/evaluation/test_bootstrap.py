"""Intervals: seeded, and as often around the truth as they say."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.evaluation import scores
from trainer.evaluation.bootstrap import Bootstrap, classification_intervals, ratio_interval, wilson

# What a model says of a population of three uneven classes: rows are true classes.
POPULATION = np.array([[0.28, 0.05, 0.02], [0.06, 0.30, 0.04], [0.03, 0.06, 0.16]])
TRUTH = {"accuracy": float(scores.accuracy(POPULATION)), "macro_f1": float(scores.macro_f1(POPULATION))}
NUM_SPLITS, NUM_SAMPLES = 600, 300
# 0.95 +- 3 deviations of a share of 600 splits (sqrt(.95 * .05 / 600) = 0.0089), and one point more below: percentile intervals of
# some hundred samples are known to be a little too narrow (Efron & Tibshirani, chapter 13.7).
LOW, HIGH = 0.95 - 0.027 - 0.01, 0.95 + 0.027


def covered(splits: np.ndarray, bootstrap: Bootstrap) -> dict[str, float]:
    found = [classification_intervals(split, bootstrap) for split in splits]
    return {name: float(np.mean([each[name][0] <= truth <= each[name][1] for each in found])) for name, truth in TRUTH.items()}


def test_of_splits_drawn_at_random_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    splits = np.random.default_rng(1).multinomial(NUM_SAMPLES, POPULATION.ravel(), NUM_SPLITS).reshape(-1, 3, 3)
    found = covered(splits, Bootstrap(num_resamples=400))
    assert all(LOW <= share <= HIGH for share in found.values()), found


def test_of_splits_with_a_fixed_mix_the_stratified_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng, sizes = np.random.default_rng(2), (POPULATION.sum(1) * NUM_SAMPLES).round().astype(int)
    rows = [rng.multinomial(size, row / row.sum(), NUM_SPLITS) for size, row in zip(sizes, POPULATION, strict=True)]
    found = covered(np.stack(rows, axis=1), Bootstrap(num_resamples=400, stratified=True))
    assert all(LOW <= share <= HIGH for share in found.values()), found


def test_half_the_level_covers_half_as_often() -> None:
    splits = np.random.default_rng(3).multinomial(NUM_SAMPLES, POPULATION.ravel(), NUM_SPLITS).reshape(-1, 3, 3)
    found = covered(splits, Bootstrap(num_resamples=400, level=0.5))
    # A share of 600 around 0.5 has a deviation of 0.02; accuracy moves in steps of 1/300, which widens the interval by up to one step.
    assert all(0.42 <= share <= 0.60 for share in found.values()), found


def test_drawing_counts_is_drawing_samples() -> None:
    counts = np.array([[30, 5], [8, 20]])
    labels, said = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices((2, 2)))
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, 63, 63) for _ in range(4000)]
    by_samples = np.quantile([(labels[chosen] == said[chosen]).mean() for chosen in drawn], [0.025, 0.975])
    by_counts = classification_intervals(counts, Bootstrap(num_resamples=4000))["accuracy"]
    # A sample more or less is 1/63.
    assert by_counts == pytest.approx(by_samples.tolist(), abs=1.01 / 63)


def test_a_seed_fixes_the_interval_and_another_one_moves_it() -> None:
    counts = np.array([[300, 50], [81, 207]])
    assert classification_intervals(counts, Bootstrap()) == classification_intervals(counts, Bootstrap())
    assert classification_intervals(counts, Bootstrap())["macro_f1"] != classification_intervals(counts, Bootstrap(seed=1))["macro_f1"]


def test_many_classes_are_resampled_in_pieces_and_none_is_lost() -> None:
    counts = np.diag(np.arange(1, 1501))
    found = classification_intervals(counts, Bootstrap(num_resamples=3))
    assert found["accuracy"] == (1, 1)
    assert found["macro_f1"][1] <= 1


def test_the_interval_of_a_ratio_covers_it_and_is_a_point_where_all_documents_are_alike() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(5, 50, 400)
    nats = tokens * rng.gamma(9, 0.3, 400)
    low, high = ratio_interval(nats, tokens, Bootstrap(num_resamples=500))
    assert low < 2.7 < high < low + 0.3
    assert ratio_interval(np.full(9, 6.0), np.full(9, 2), Bootstrap()) == (3, 3)


def test_few_samples_that_are_all_right_prove_little() -> None:
    assert wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-3)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-3)
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-3)
