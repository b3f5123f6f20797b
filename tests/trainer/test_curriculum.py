"""What is drawn when: the draws against a plain softmax, the work for one, and a state that goes on."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from trainer.data.curriculum import BIN_WIDTH, LIMIT, TRIES_PER_BLOCK, CurriculumSampler

FEW_EXPECTED = 5


def easiness(num_rows: int = 200, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal(num_rows)
    return (values - values.mean()) / values.std()


def sampler(values: np.ndarray | None = None, flattening: float = 0.05, seed: int = 3, name: str = "pairs") -> CurriculumSampler:
    return CurriculumSampler(easiness() if values is None else values, flattening, seed, name)


def softmax(values: np.ndarray, temperature: float) -> np.ndarray:
    weights = np.exp((values - values.max()) / temperature)
    return weights / weights.sum()


def chi_square(rows: list[int], probabilities: np.ndarray) -> tuple[float, int]:
    """Returns the statistic and its degrees of freedom; rows that are hardly expected are counted together."""
    expected, seen = probabilities * len(rows), np.bincount(rows, minlength=len(probabilities))
    often = expected >= FEW_EXPECTED
    expected, seen = (np.append(each[often], each[~often].sum()) for each in (expected, seen))
    expected, seen = expected[expected > 0], seen[expected > 0]
    return float(((seen - expected) ** 2 / expected).sum()), len(expected) - 1


def quantile(degrees: int, deviations: float = 3.09) -> float:
    """The 99.9 % quantile of chi-square, by Wilson and Hilferty's cube root."""
    return degrees * (1 - 2 / (9 * degrees) + deviations * math.sqrt(2 / (9 * degrees))) ** 3


def assert_drawn_by(probabilities: np.ndarray, rows: list[int]) -> None:
    statistic, degrees = chi_square(rows, probabilities)
    assert statistic < quantile(degrees)


def test_the_quantile_is_that_of_the_tables() -> None:
    assert [quantile(degrees) for degrees in (10, 50, 100)] == pytest.approx([29.588, 86.661, 149.449], rel=0.01)


@pytest.mark.parametrize("flattening", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("step", [0, 1, 20, 400])
def test_rows_are_drawn_by_the_softmax_of_their_easiness_over_the_temperature(step: int, flattening: float) -> None:
    assert_drawn_by(softmax(easiness(), 1 + flattening * step), sampler(flattening=flattening).draw_many(step, 20_000))


@pytest.mark.parametrize("seed", range(5))
def test_the_draws_fit_whatever_the_seed(seed: int) -> None:
    assert_drawn_by(softmax(easiness(seed=seed), 1.5), sampler(easiness(seed=seed), seed=seed).draw_many(10, 10_000))


def test_the_chi_square_test_would_see_another_temperature_and_a_wrong_row() -> None:
    rows = sampler().draw_many(10, 20_000)
    for wrong in (softmax(easiness(), 1.25), np.roll(softmax(easiness(), 1.5), 1)):
        statistic, degrees = chi_square(rows, wrong)
        assert statistic > quantile(degrees)


def test_rows_within_one_bin_are_told_apart() -> None:
    values = np.linspace(0, BIN_WIDTH * 0.99, 4)
    counts = np.bincount(sampler(values, 0.0).draw_many(1, 400_000))
    assert counts / counts.sum() == pytest.approx(softmax(values, 1), abs=4 * math.sqrt(0.25 * 0.75 / 400_000))
    assert len(sampler(values).counts) == 1
    assert counts[3] > counts[0] + 4 * math.sqrt(counts[0] + counts[3])


def test_without_flattening_the_preference_stays() -> None:
    assert_drawn_by(softmax(easiness(), 1), sampler(flattening=0.0).draw_many(10_000_000, 20_000))


def test_after_many_steps_every_row_is_alike() -> None:
    assert_drawn_by(np.full(200, 1 / 200), sampler(flattening=1.0).draw_many(1_000_000, 20_000))


def test_the_temperature_grows_with_the_steps() -> None:
    assert [sampler(flattening=0.5).temperature(step) for step in (0, 1, 10)] == [1, 1.5, 6]


def test_what_is_drawn_gets_harder_and_starts_easy() -> None:
    easy_first = sampler()
    means = [easy_first.difficulty_of(easy_first.draw_many(step, 4000)) for step in (1, 20, 2000)]
    assert means[0] < means[1] < means[2]
    expected = [-(softmax(easiness(), 1 + 0.05 * step) * easiness()).sum() for step in (1, 20, 2000)]
    assert means == pytest.approx(expected, abs=4 / math.sqrt(4000))


def test_the_difficulty_of_rows_is_minus_the_mean_of_their_easiness() -> None:
    assert sampler(np.array([1.0, -2.0, 0.5])).difficulty_of([0, 1, 1]) == 1


def test_a_freak_among_the_rows_is_cut_to_the_limit() -> None:
    values = np.array([50.0, -50.0, *np.zeros(98)])
    assert_drawn_by(softmax(np.clip(values, -LIMIT, LIMIT), 1), sampler(values, 0.0).draw_many(1, 20_000))


def test_rows_that_are_all_alike_are_drawn_at_the_first_try() -> None:
    alike = sampler(np.zeros(10))
    assert_drawn_by(np.full(10, 0.1), alike.draw_many(1, 5000))
    assert alike.tries == 5000


def test_a_single_row_is_always_drawn() -> None:
    assert sampler(np.zeros(1)).draw_many(3, 5) == [0] * 5


class Counting:
    """Stands before an array: answers for one row at a time, and counts how often."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.num_read = array, 0

    def __getitem__(self, row: int) -> Any:
        self.num_read += 1
        return self.array[int(row)]


@pytest.mark.parametrize("num_rows", [1_000, 100_000])
def test_a_draw_looks_at_few_rows_however_many_there_are(num_rows: int) -> None:
    counted = sampler(easiness(num_rows))
    values, rows = Counting(counted.easiness), Counting(counted.rows)
    counted.easiness, counted.rows = values, rows  # type: ignore[assignment]
    for step in range(2000):
        counted.draw(step)
    assert 2000 <= values.num_read == rows.num_read < 2000 * 1.1


@pytest.mark.parametrize("values", [easiness(100_000), np.linspace(-LIMIT, LIMIT, 100_000), np.random.default_rng(0).standard_cauchy(9999)])
def test_a_step_weighs_few_bins_however_the_rows_lie(values: np.ndarray) -> None:
    assert len(sampler(values).bounds(1)) <= 2 * LIMIT / BIN_WIDTH + 1


@pytest.mark.parametrize("already", [0, 1, 7, TRIES_PER_BLOCK - 1, TRIES_PER_BLOCK, TRIES_PER_BLOCK + 50])
def test_a_state_goes_on_at_any_draw(already: int) -> None:
    first, second, whole = sampler(), sampler(), sampler()
    expected = [whole.draw(draw // 4) for draw in range(1300)]
    for draw in range(already):
        first.draw(draw // 4)
    second.load_state(json.loads(json.dumps(first.state())))
    assert [second.draw(draw // 4) for draw in range(already, 1300)] == expected[already:]


def test_going_back_to_a_state_draws_the_same_again() -> None:
    one = sampler()
    state = one.state()
    rows = one.draw_many(2, 3000)
    one.load_state(state)
    assert one.draw_many(2, 3000) == rows


def test_many_draws_are_as_many_single_ones() -> None:
    one, other = sampler(), sampler()
    assert one.draw_many(5, 50) + one.draw_many(6, 50) == [other.draw(5) for _ in range(50)] + [other.draw(6) for _ in range(50)]


def test_seeds_and_names_have_draws_of_their_own() -> None:
    rows = sampler().draw_many(1, 50)
    assert sampler().draw_many(1, 50) == rows
    assert sampler(seed=4).draw_many(1, 50) != rows
    assert sampler(name="other").draw_many(1, 50) != rows
