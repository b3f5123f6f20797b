"""The answers that a model gives when it always takes the likeliest token, and whether they are the expected ones.

B prompts of equal length, T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

NextLogits = Callable[[Tensor], Tensor]


@torch.no_grad()
def answers(logits: NextLogits, prompts: Sequence[Sequence[int]], end: int, max_new: int, num_at_once: int) -> list[list[int]]:
    """Returns the tokens behind each prompt, without the end; an answer that has not ended after `max_new` tokens is cut there.

    `logits` takes tokens int64 (B, T) and returns those of the next token, (B, V). Prompts of equal length are asked together, so
    there is no padding.
    """
    found: dict[int, list[int]] = {}
    for numbers in alike(prompts, num_at_once):
        tokens_BT = torch.tensor([list(prompts[number]) for number in numbers])
        found |= zip(numbers, extended(logits, tokens_BT, end, max_new), strict=True)
    return [found[number] for number in range(len(prompts))]


def alike(prompts: Sequence[Sequence[int]], num_at_once: int) -> Iterator[list[int]]:
    """Yields numbers of prompts that have the same length."""
    by_length: dict[int, list[int]] = {}
    for number, prompt in enumerate(prompts):
        by_length.setdefault(len(prompt), []).append(number)
    for numbers in by_length.values():
        for start in range(0, len(numbers), num_at_once):
            yield numbers[start : start + num_at_once]


def extended(logits: NextLogits, tokens_BT: Tensor, end: int, max_new: int) -> list[list[int]]:
    given = tokens_BT.shape[1]
    ended_B = torch.zeros(len(tokens_BT), dtype=torch.bool)
    for _ in range(max_new):
        if ended_B.all():
            break
        next_B = logits(tokens_BT).argmax(1).cpu()
        tokens_BT = torch.cat([tokens_BT, next_B[:, None]], dim=1)
        ended_B |= next_B == end
    return [before(row[given:], end) for row in tokens_BT.tolist()]


def before(tokens: list[int], end: int) -> list[int]:
    return tokens[: tokens.index(end)] if end in tokens else tokens


def is_exact(answer: str, expected: str) -> bool:
    """Compares the strings but for white space around them: `2*x` and `x*2` are different answers."""
    return answer.strip() == expected.strip()
