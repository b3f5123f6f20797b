"""Greedy answers of hand-made models, and when one is the expected answer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.evaluation import greedy

END = 0
ANSWER = {3: [7, 8, END], 4: [9, END], 5: [END], 6: [1] * 20}


def by_heart(tokens_BT: Tensor) -> Tensor:
    """Knows an answer to the last token of a prompt, which is the only one in ANSWER."""
    logits = torch.zeros(len(tokens_BT), 10)
    for number, row in enumerate(tokens_BT.tolist()):
        place = max(place for place, token in enumerate(row) if token in ANSWER)
        answer = ANSWER[row[place]]
        told = len(row) - place - 1
        logits[number, answer[told] if told < len(answer) else 2] = 1
    return logits


@pytest.mark.parametrize("num_at_once", [1, 2, 16])
def test_answers_end_at_the_end_token_and_come_in_the_order_of_the_prompts(num_at_once: int) -> None:
    prompts = [[2, 3], [4], [2, 2, 5], [2, 4], [3]]
    assert greedy.answers(by_heart, prompts, END, 5, num_at_once) == [[7, 8], [9], [], [9], [7, 8]]


def test_an_answer_that_does_not_end_is_cut() -> None:
    assert greedy.answers(by_heart, [[6], [3]], END, 4, 8) == [[1] * 4, [7, 8]]


def test_no_prompt_has_no_answer() -> None:
    assert greedy.answers(by_heart, [], END, 4, 8) == []


@pytest.mark.parametrize(
    ("answer", "expected", "is_right"),
    [("42", "42", True), (" 42\n", "42", True), ("2*x", "x*2", False), ("4", "42", False), ("", "42", False)],
)
def test_an_answer_is_right_when_it_is_the_expected_string(answer: str, expected: str, *, is_right: bool) -> None:
    assert greedy.is_exact(answer, expected) is is_right
