"""Which rows a task sees: exact shares, each row once in an epoch or the easy ones first, and a state that goes on."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from trainer.data.curriculum import CurriculumSampler
from trainer.data.mixture import Mixture

SHARES = (50.0, 30.0, 20.0)


def mixture(sizes: tuple[int, ...] = (7, 5, 11), shares: tuple[float, ...] = SHARES, seed: int = 3) -> Mixture:
    return Mixture([f"set-{number}" for number in range(len(sizes))], sizes, shares, seed)


def test_no_source_is_ever_a_whole_sample_away_from_its_share() -> None:
    drawn, mixed = Counter[int](), mixture()
    for count in range(1, 501):
        drawn[mixed.draw(1)[0][0]] += 1
        assert all(abs(drawn[source] - share / 100 * count) < 1 for source, share in enumerate(SHARES))


def test_the_shares_are_exact_after_whole_rounds() -> None:
    assert Counter(source for source, _ in mixture().draw(1000)) == {0: 500, 1: 300, 2: 200}


def test_shares_need_not_sum_to_a_hundred() -> None:
    assert mixture(shares=(5, 3, 2)).draw(60) == mixture().draw(60)


def test_a_source_without_a_share_is_never_drawn() -> None:
    assert {source for source, _ in mixture(shares=(1, 0, 1)).draw(300)} == {0, 2}


def test_each_row_comes_once_in_an_epoch() -> None:
    rows = [row for _, row in mixture(sizes=(7,), shares=(1,)).draw(21)]
    for epoch in range(3):
        assert sorted(rows[7 * epoch : 7 * epoch + 7]) == list(range(7))


def test_each_row_comes_once_in_an_epoch_of_its_source_in_a_mixture() -> None:
    drawn = mixture().draw(200)
    rows = [row for source, row in drawn if source == 1]
    assert all(sorted(rows[start : start + 5]) == list(range(5)) for start in range(0, 60, 5))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    rows = mixture(sizes=(50,), shares=(1,)).draw(100)
    assert rows[:50] != rows[50:]
    assert mixture(sizes=(50,), shares=(1,), seed=4).draw(50) != rows[:50]
    assert mixture(sizes=(50,), shares=(1,)).draw(100) == rows


def test_the_order_of_a_source_does_not_depend_on_its_company() -> None:
    alone = [row for _, row in mixture(sizes=(7,), shares=(1,)).draw(14)]
    assert [row for source, row in mixture().draw(28) if source == 0] == alone


@pytest.mark.parametrize("already", [0, 1, 6, 7, 8, 29, 100])
def test_a_state_goes_on_at_any_point(already: int) -> None:
    whole = mixture().draw(150)
    first, second = mixture(), mixture()
    first.draw(already)
    second.load_state(first.state())
    assert second.draw(150 - already) == whole[already:]


def test_batches_of_any_size_give_the_same_order() -> None:
    one, other = mixture(), mixture()
    assert [pair for _ in range(20) for pair in one.draw(6)] == [pair for _ in range(30) for pair in other.draw(4)]


def easy_first(seed: int = 3) -> Mixture:
    """Two sources of which row 0 is the easiest."""
    easiness = {"set-0": np.linspace(1.5, -1.5, 7), "set-1": np.linspace(2, -2, 5)}
    samplers = {name: CurriculumSampler(each, 0.5, seed, name) for name, each in easiness.items()}
    return Mixture(list(easiness), [7, 5], [3, 1], seed, samplers)


def test_a_curriculum_leaves_the_shares_exact() -> None:
    assert Counter(source for source, _ in easy_first().draw(400, 1)) == {0: 300, 1: 100}


def test_a_curriculum_draws_the_rows_of_each_source() -> None:
    mixed, alone = easy_first(), easy_first().samplers
    drawn = mixed.draw(200, 1) + mixed.draw(200, 5)
    assert [row for source, row in drawn if source == 0] == alone["set-0"].draw_many(1, 150) + alone["set-0"].draw_many(5, 150)
    assert [row for source, row in drawn if source == 1] == alone["set-1"].draw_many(1, 50) + alone["set-1"].draw_many(5, 50)


def test_the_difficulty_of_a_batch_is_the_mean_over_its_samples() -> None:
    assert easy_first().difficulty_of([(0, 0), (0, 6), (1, 4), (0, 6)]) == pytest.approx((-1.5 + 1.5 + 2 + 1.5) / 4)


def test_a_batch_of_a_curriculum_gets_harder() -> None:
    mixed = easy_first()
    assert mixed.difficulty_of(mixed.draw(2000, 1)) < mixed.difficulty_of(mixed.draw(2000, 100)) - 0.3


@pytest.mark.parametrize("already", [0, 1, 9, 40, 2000])
def test_the_state_of_a_curriculum_goes_on_at_any_point(already: int) -> None:
    first, second, whole = easy_first(), easy_first(), easy_first()
    expected = whole.draw(already, 1) + whole.draw(100, 2)
    first.draw(already, 1)
    second.load_state(json.loads(json.dumps(first.state())))
    assert second.drawn == first.drawn
    assert second.draw(100, 2) == expected[already:]


def test_a_state_from_before_there_were_curricula_can_still_be_loaded() -> None:
    mixed = mixture()
    mixed.load_state({"set-0": 50, "set-1": 30, "set-2": 20})
    assert mixed.draw(20) == mixture().draw(120)[100:]
    assert mixed.state() == {"set-0": 60, "set-1": 36, "set-2": 24}
