"""Which rows a task sees: exact shares, each row once in an epoch, and a state that goes on."""

from __future__ import annotations

from collections import Counter

import pytest

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
