"""What a language model is asked, as arrays in files: whoever measures needs neither data sets nor a tokenizer. Free of torch.

W windows of one document each, D documents, N predictions, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

BATCH_SIZE = 16
# Of these many tokens are the prompts that are timed, or of as many as the model reads at most.
PROMPT_TOKENS, NUM_PROMPTS = 128, 64
PADDING = 0


@dataclass(frozen=True)
class Questions:
    """`tokens` int64 (sum of lengths) holds window w at `offsets[w]:offsets[w+1]`; its first `given[w]` tokens, at least one, are only
    read, each later one is predicted from those before it. `owners` int64 (W) are the documents. The windows are ordered by length.

    `prompts` int64 (64, T) are what is timed.
    """

    tokens: np.ndarray
    offsets: np.ndarray
    given: np.ndarray
    owners: np.ndarray
    prompts: np.ndarray

    def save(self, folder: Path) -> None:
        folder.mkdir()
        for each in fields(self):
            np.save(folder / f"{each.name}.npy", getattr(self, each.name))

    @classmethod
    def load(cls, folder: Path) -> Questions:
        return cls(*(np.load(folder / f"{each.name}.npy") for each in fields(cls)))

    def __len__(self) -> int:
        return len(self.given)

    def window(self, number: int) -> np.ndarray:
        return self.tokens[self.offsets[number] : self.offsets[number + 1]]

    def answers(self) -> np.ndarray:
        """Returns int64 (N), the tokens that are to be predicted, window by window."""
        return np.concatenate([self.window(number)[self.given[number] :] for number in range(len(self))])

    def documents(self) -> np.ndarray:
        """Returns int64 (N), the document of each."""
        return np.repeat(self.owners, np.diff(self.offsets) - self.given)

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields tokens (B, T), padded behind their end where nothing looks at it, and bool (B, T): from which the next is predicted."""
        for start in range(0, len(self), BATCH_SIZE):
            windows = [self.window(number) for number in range(start, min(start + BATCH_SIZE, len(self)))]
            given_B, lengths_B = self.given[start : start + len(windows), None], np.array([[len(window)] for window in windows])
            places_T = np.arange(lengths_B.max())
            tokens_BT = np.stack([np.pad(window, (0, len(places_T) - len(window)), constant_values=PADDING) for window in windows])
            yield tokens_BT, (places_T >= given_B - 1) & (places_T < lengths_B - 1)


class Prompts:
    """The prompts as the model's inputs; each is one sample of what is timed."""

    def __init__(self, prompts: np.ndarray) -> None:
        self.prompts = prompts

    def __len__(self) -> int:
        return len(self.prompts)

    def batch(self, start: int, size: int) -> dict[str, np.ndarray]:
        return {"tokens": self.prompts[np.arange(start, start + size) % len(self)]}

    def batches(self) -> Iterator[dict[str, np.ndarray]]:
        for start in range(0, len(self), BATCH_SIZE):
            yield self.batch(start, min(BATCH_SIZE, len(self) - start))


def prompts_of(tokens: np.ndarray, max_tokens: int) -> np.ndarray:
    """Cuts the text of a split into prompts of one length, going round at its end."""
    length = min(PROMPT_TOKENS, max_tokens)
    return tokens[np.arange(NUM_PROMPTS * length) % len(tokens)].reshape(NUM_PROMPTS, length)
