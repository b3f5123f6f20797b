"""Shares of a mixture are shares of tokens, whatever the lengths of the documents; each is read once an epoch; a state goes on."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from trainer.data.curriculum import CurriculumSampler
from trainer.data.mixture import Mixture
from trainer.data.token_mixture import Sampler, TokenMixture

NAMES = [("causal_lm", "speeches"), ("causal_lm", "code"), ("triples", "facts")]
SHARES = (50.0, 20.0, 30.0)
SIZES = (200, 30, 900)


def lengths() -> list[np.ndarray]:
    """Tokens of each document: facts are a hundred times as short as code."""
    rng = np.random.default_rng(0)
    return [rng.integers(50, 150, 200), rng.integers(500, 1500, 30), rng.integers(5, 15, 900)]


def mixture(samplers: dict[tuple[str, str], Sampler] | None = None, seed: int = 3) -> TokenMixture:
    return TokenMixture(NAMES, SIZES, SHARES, seed, samplers)


def read(mixed: TokenMixture, count: int, step: int = 0) -> list[tuple[int, int]]:
    """Reads whole documents, always from the source that is furthest behind."""
    found, tokens = [], lengths()
    for _ in range(count):
        source = mixed.behind()[0]
        document = mixed.draw(source, step)
        mixed.count(source, int(tokens[source][document]), is_new=True)
        found.append((source, document))
    return found


def share_of_tokens(drawn: list[tuple[int, int]]) -> np.ndarray:
    tokens = lengths()
    totals = np.bincount([source for source, _ in drawn], [tokens[source][document] for source, document in drawn], 3)
    return totals / totals.sum()


def test_shares_of_tokens_are_as_asked_where_mixing_by_rows_is_far_off() -> None:
    asked = np.array(SHARES) / 100
    assert np.abs(share_of_tokens(read(mixture(), 20_000)) - asked).max() < 0.01
    by_rows = Mixture([name for _, name in NAMES], SIZES, SHARES, 3).draw(20_000)
    assert np.abs(share_of_tokens(by_rows) - asked).max() > 0.25


def test_no_source_is_ever_more_than_a_document_away_from_its_share() -> None:
    mixed = mixture()
    longest = max(int(each.max()) for each in lengths())
    for _ in range(3000):
        read(mixed, 1)
        assert max(abs(mixed.lag(source)) for source in range(3)) <= longest


def test_each_document_comes_once_in_an_epoch_and_in_another_order_in_the_next() -> None:
    drawn = [document for source, document in read(mixture(), 5000) if source == 0]
    epochs = [drawn[start : start + 200] for start in range(0, len(drawn) - 200, 200)]
    assert len(epochs) > 1
    assert all(sorted(each) == list(range(200)) for each in epochs)
    assert epochs[0] != epochs[1]


def test_the_order_follows_the_seed() -> None:
    assert read(mixture(), 100) == read(mixture(), 100)
    assert read(mixture(seed=4), 100) != read(mixture(), 100)


def test_a_source_without_a_share_is_never_named() -> None:
    assert 1 not in TokenMixture(NAMES, SIZES, (1, 0, 1), 0).behind()


def test_the_ledger_counts_what_was_read() -> None:
    mixed = TokenMixture(NAMES, (10, 4, 5), (3, 2, 5), 0)
    mixed.count(0, 30, is_new=True)
    mixed.count(0, 20, is_new=False)
    mixed.count(1, 10, is_new=True)
    mixed.count(2, 40, is_new=True)
    expected: list[dict[str, Any]] = [
        {"task": "causal_lm", "dataset": "speeches", "asked": 0.3, "seen": 0.5, "num_samples": 1, "num_tokens": 50, "epochs": 0.1},
        {"task": "causal_lm", "dataset": "code", "asked": 0.2, "seen": 0.1, "num_samples": 1, "num_tokens": 10, "epochs": 0.25},
        {"task": "triples", "dataset": "facts", "asked": 0.5, "seen": 0.4, "num_samples": 1, "num_tokens": 40, "epochs": 0.2},
    ]
    assert mixed.ledger() == expected


def curriculum() -> dict[tuple[str, str], Sampler]:
    return {NAMES[2]: CurriculumSampler(np.linspace(-3, 3, 900), 0.05, 1, "facts")}


@pytest.mark.parametrize("with_curriculum", [False, True])
@pytest.mark.parametrize("already", [0, 1, 57, 1234])
def test_a_state_goes_on_exactly(already: int, with_curriculum: bool) -> None:
    whole = mixture(curriculum() if with_curriculum else None)
    expected = read(whole, 2000)
    first, second = (mixture(curriculum() if with_curriculum else None) for _ in range(2))
    assert read(first, already) == expected[:already]
    second.load_state(json.loads(json.dumps(first.state())))
    assert read(second, 2000 - already) == expected[already:]
    assert second.ledger() == whole.ledger()


def test_a_sampler_chooses_the_documents_of_its_source_alone() -> None:
    plain, guided = read(mixture(), 3000), read(mixture(curriculum()), 3000)
    alone = curriculum()[NAMES[2]]
    facts = [document for source, document in guided if source == 2]
    assert facts == [alone.draw(0) for _ in facts]
    others = [[pair for pair in drawn if pair[0] == 0][:300] for drawn in (plain, guided)]
    assert others[0] == others[1]
