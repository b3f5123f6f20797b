"""The samples of a task: rows of its sources as arrays, each sentence tokenised once, and each picture decoded once while there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from trainer.config import AnyTask, Curriculum, Task
from trainer.data.curriculum import CurriculumSampler
from trainer.data.difficulty import difficulty, entropy, length, rarity, weights_of
from trainer.data.mixture import Mixture
from trainer.data.picture_cache import PictureCache
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
    """One split of a task's sources. The cache says how large a picture is, and is best shared by all that may show the same ones."""

    def __init__(self, task: Task, split: str, folders: Sequence[Path], tokenizer: Tokenizer, cache: PictureCache) -> None:
        self.rows: list[Rows] = [open_dataset(source.dataset, split, folders) for source in task.sources]
        self.tokenizer, self.cache = tokenizer, cache
        self._encoded: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.rows)

    def mixture(self, task: AnyTask, seed: int, curriculum: Curriculum | None = None, losses: Sequence[np.ndarray] = ()) -> Mixture:
        """With a curriculum the rows of each source are drawn by how hard they are; see `samplers`."""
        names, shares = [source.dataset for source in task.sources], [source.share for source in task.sources]
        samplers = self.samplers(task, seed, curriculum, losses) if curriculum else None
        return Mixture(names, [len(rows) for rows in self.rows], shares, seed, samplers)

    def samplers(self, task: AnyTask, seed: int, curriculum: Curriculum, losses: Sequence[np.ndarray] = ()) -> dict[str, CurriculumSampler]:
        """Returns a sampler by the name of each source.

        `losses` are per source the loss of each row, float (N), for a curriculum that weighs it. Raises ValueError for one that
        weighs what these sources do not have.
        """
        given = [{"loss": each} for each in losses] or [{} for _ in self.rows]
        hard = [difficulty(curriculum, self.measures(number, curriculum) | loss) for number, loss in enumerate(given)]
        return {
            source.dataset: CurriculumSampler(-each, curriculum.flattening, seed, f"{task.kind}/{source.dataset}")
            for source, each in zip(task.sources, hard, strict=True)
        }

    def measures(self, source: int, curriculum: Curriculum) -> dict[str, np.ndarray]:
        """Returns what a curriculum weighs and a source has columns for, float (N) by name; the model's loss is not among it."""
        weights, rows, found = weights_of(curriculum), self.rows[source], {}
        if rows.texts is not None and {"length", "rarity"} & set(weights):
            tokens, offsets = self._words(source)
            found = {"length": length(offsets), "rarity": rarity(tokens, offsets)}
        if "image" in rows.card.columns and "entropy" in weights:
            found["entropy"] = entropy(self.cache.decoded(rows.image(row)) for row in range(len(rows)))
        return found

    def _words(self, source: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the tokens of all sentences in a row, without [CLS] in front and [SEP] behind, and where each begins, (N+1)."""
        tokens, mask = self._source_tokens(source)
        words = mask[:, 2:].astype(bool)
        return tokens[:, 1:-1][words], np.concatenate([[0], np.cumsum(words.sum(1))])

    def in_order(self) -> list[Index]:
        return [(source, row) for source, rows in enumerate(self.rows) for row in range(len(rows))]

    def pictures(self, indices: Sequence[Index]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the pictures, and a number per sample that is equal where the picture is the same."""
        data = [self.rows[source].image(row) for source, row in indices]
        numbers = {each: number for number, each in enumerate(dict.fromkeys(data))}
        return np.stack([self.cache.decoded(each) for each in data]), np.array([numbers[each] for each in data], np.int64)

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
