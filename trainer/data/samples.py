"""The samples of a task: rows of its sources as arrays, each picture decoded and each sentence tokenised once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from trainer.config import Task
from trainer.data.mixture import Mixture
from trainer.data.pictures import decode
from trainer.data.reading import Rows, open_dataset

Index = tuple[int, int]


@dataclass(frozen=True)
class Columns:
    """What a batch may hold. B samples: pictures uint8 (B, 3, side, side), tokens and mask int64 (B, T), labels int64 (B).

    `same` is int64 (B), equal where two samples carry the same picture.
    """

    pictures: np.ndarray | None = None
    tokens: np.ndarray | None = None
    mask: np.ndarray | None = None
    labels: np.ndarray | None = None
    same: np.ndarray | None = None


class Samples:
    """One split of a task's sources."""

    def __init__(self, task: Task, split: str, folders: Sequence[Path], tokenizer: Tokenizer, side: int) -> None:
        self.rows: list[Rows] = [open_dataset(source.dataset, split, folders) for source in task.sources]
        self.tokenizer, self.side = tokenizer, side
        self._pictures: dict[bytes, np.ndarray] = {}
        self._encoded: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.rows)

    def mixture(self, task: Task, seed: int) -> Mixture:
        names = [source.dataset for source in task.sources]
        return Mixture(names, [len(rows) for rows in self.rows], [source.share for source in task.sources], seed)

    def in_order(self) -> list[Index]:
        return [(source, row) for source, rows in enumerate(self.rows) for row in range(len(rows))]

    def pictures(self, indices: Sequence[Index]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the pictures, and a number per sample that is equal where the picture is the same."""
        data = [self.rows[source].image(row) for source, row in indices]
        numbers = {each: number for number, each in enumerate(dict.fromkeys(data))}
        return np.stack([self._decoded(each) for each in data]), np.array([numbers[each] for each in data], np.int64)

    def _decoded(self, data: bytes) -> np.ndarray:
        if data not in self._pictures:
            self._pictures[data] = decode(data, self.side)
        return self._pictures[data]

    def tokens(self, indices: Sequence[Index]) -> tuple[np.ndarray, np.ndarray]:
        """Returns token ids and mask, int64 (B, T)."""
        encoded = [self._source_tokens(source) for source, _ in indices]
        rows = [row for _, row in indices]
        tokens = np.stack([pair[0][row] for pair, row in zip(encoded, rows, strict=True)])
        return tokens, np.stack([pair[1][row] for pair, row in zip(encoded, rows, strict=True)])

    def _source_tokens(self, source: int) -> tuple[np.ndarray, np.ndarray]:
        if source not in self._encoded:
            texts = self.rows[source].texts
            assert texts is not None
            found = self.tokenizer.encode_batch(texts)
            self._encoded[source] = (
                np.array([each.ids for each in found], np.int64),
                np.array([each.attention_mask for each in found], np.int64),
            )
        return self._encoded[source]

    def labels(self, indices: Sequence[Index]) -> np.ndarray:
        columns = [rows.labels for rows in self.rows]
        return np.array([labels[row] for source, row in indices if (labels := columns[source]) is not None], np.int64)

    def columns(self, indices: Sequence[Index], needs: Sequence[str]) -> Columns:
        """Gathers the columns (image, text, label) that a task needs."""
        pictures, same = self.pictures(indices) if "image" in needs else (None, None)
        tokens, mask = self.tokens(indices) if "text" in needs else (None, None)
        return Columns(pictures, tokens, mask, self.labels(indices) if "label" in needs else None, same)

    @property
    def classes(self) -> list[str]:
        return list(self.rows[0].card.classes)
