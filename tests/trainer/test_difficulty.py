"""What counts as hard, against values worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from trainer.config import Curriculum
from trainer.data.difficulty import difficulty, edge_entropy, entropy, length, rarity, standardised, weights_of

# Three samples: "a a b", nothing, "c". Token 0 occurs twice, 4 and 7 once, of four in all.
TOKENS, OFFSETS = np.array([0, 0, 4, 7]), np.array([0, 3, 3, 4])


def grey(levels: Any) -> np.ndarray:
    """A picture whose red, green and blue are alike."""
    return np.stack([np.array(levels, np.uint8)] * 3)


def test_length_is_the_logarithm_of_the_number_of_tokens() -> None:
    assert length(np.array([0, 1, 8, 28])) == pytest.approx([0, math.log(7), math.log(20)])


def test_an_empty_sample_is_as_long_as_one_of_one_token() -> None:
    assert length(OFFSETS) == pytest.approx([math.log(3), 0, 0])


def test_rarity_is_the_mean_surprisal_by_the_counts_of_the_source_itself() -> None:
    common, rare = math.log(2), math.log(4)
    assert rarity(TOKENS, OFFSETS) == pytest.approx([(2 * common + rare) / 3, 0, rare])


def test_samples_of_the_same_words_are_equally_rare_whatever_their_length() -> None:
    assert rarity(np.array([1, 2, 1, 2, 1, 2]), np.array([0, 2, 6])) == pytest.approx([math.log(2)] * 2)


def test_the_rarity_of_a_token_that_is_all_there_is_is_nothing() -> None:
    assert rarity(np.array([5, 5, 5]), np.array([0, 1, 3])).tolist() == [0, 0]


def test_rarity_of_a_source_of_empty_samples_is_nothing() -> None:
    assert rarity(np.array([], np.int64), np.array([0, 0, 0])).tolist() == [0, 0]


def test_rarity_weighted_by_length_is_the_entropy_of_the_source() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(0, 9, 200)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    tokens = rng.zipf(1.5, int(sizes.sum())) % 50
    shares = np.unique(tokens, return_counts=True)[1] / len(tokens)
    assert (rarity(tokens, offsets) * sizes).sum() / sizes.sum() == pytest.approx(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize("picture", [np.full((3, 6, 6), 77, np.uint8), grey(np.tile(np.arange(0, 60, 10), (6, 1)))], ids=["flat", "ramp"])
def test_a_picture_with_the_same_slope_everywhere_has_no_edge_entropy(picture: np.ndarray) -> None:
    assert edge_entropy(picture) == 0


def test_the_edge_entropy_is_that_of_the_slopes() -> None:
    # Columns 0 0 0 100 100 100: of the four inner columns two lie on flat ground, two have a slope of 50.
    assert edge_entropy(grey([[0, 0, 0, 100, 100, 100]] * 6)) == pytest.approx(math.log(2))


def test_slopes_downwards_count_as_those_to_the_side() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (9, 9))
    assert edge_entropy(grey(levels)) == pytest.approx(edge_entropy(grey(levels.T)))


def test_both_directions_of_a_slope_make_one_magnitude() -> None:
    # Two inner pixels, with slopes of (40, 30) and (0, 50): 50 each.
    assert edge_entropy(grey([[0, 0, 0, 0], [0, 0, 60, 100], [0, 80, 0, 0]])) == 0
    assert edge_entropy(grey([[0, 0, 0, 0], [0, 0, 60, 80], [0, 80, 0, 0]])) == pytest.approx(math.log(2))


def test_colours_count_by_their_luma() -> None:
    # A green of 100 is as bright as a grey of 58.7: slopes of 29.35 on half of the inner pixels.
    picture = np.zeros((3, 6, 6), np.uint8)
    picture[1, :, 3:] = 100
    assert edge_entropy(picture) == pytest.approx(math.log(2))
    blue = np.zeros((3, 6, 6), np.uint8)
    blue[2, :, 3:] = 40  # luma 4.56, slope 2.28: within the first bin of width 2.82, as flat ground is
    assert edge_entropy(blue) == 0


def test_noise_has_more_edge_entropy_than_a_drawing_and_less_than_all_bins_alike() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64), np.uint8)
    drawing = grey(np.kron([[0, 200], [90, 255]], np.ones((32, 32))))
    assert 0 < edge_entropy(drawing) < edge_entropy(noise) < math.log(64)


def test_pictures_are_measured_one_by_one() -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (3, 3, 16, 16), np.uint8)
    assert entropy(pictures).tolist() == [edge_entropy(picture) for picture in pictures]


def test_standardised_values_have_mean_0_and_deviation_1() -> None:
    assert standardised(np.array([1.0, 2.0, 3.0, 6.0])) == pytest.approx(np.array([-2, -1, 0, 3]) / math.sqrt(3.5))


def test_values_that_are_all_alike_become_0() -> None:
    assert standardised(np.array([0.1] * 3)).tolist() == [0, 0, 0]


def test_the_difficulty_is_the_weighted_sum_of_standardised_measures_standardised_again() -> None:
    # Length (-1, 1, 0) x sqrt(1.5), loss (1, 0, -1) x sqrt(1.5), weighed 2 : 1 make (-1, 2, -1) x sqrt(1.5).
    measures = {"length": np.array([2.0, 4.0, 3.0]), "loss": np.array([9.0, 5.0, 1.0])}
    found = difficulty(Curriculum(length=2, loss=1), measures)
    assert found == pytest.approx(np.array([-1, 2, -1]) / math.sqrt(2))


def test_a_measure_without_a_weight_does_not_count() -> None:
    measures = {"length": np.array([2.0, 4.0, 3.0]), "rarity": np.array([9.0, 5.0, 1.0])}
    assert difficulty(Curriculum(length=3), measures) == pytest.approx(standardised(measures["length"]))


def test_measures_that_cancel_out_leave_all_samples_alike() -> None:
    measures = {"length": np.array([0.0, 1.0]), "loss": np.array([1.0, 0.0])}
    assert difficulty(Curriculum(length=1, loss=1), measures).tolist() == [0, 0]


def test_a_weight_for_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^curriculum\.entropy: "):
        difficulty(Curriculum(length=1, entropy=1), {"length": np.array([1.0, 2.0])})


def test_a_loss_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^curriculum\.loss: .* 1 of 3 samples"):
        difficulty(Curriculum(loss=1), {"loss": np.array([1.0, math.nan, 2.0])})


def test_every_measure_of_the_config_is_known_here() -> None:
    every = Curriculum(length=1, rarity=2, loss=3, entropy=4)
    assert weights_of(every) == every.model_dump(exclude={"flattening"})
