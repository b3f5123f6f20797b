"""A language model that reads packed rows: what it makes of them, measured over documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from trainer.config import AnyTask, LanguageModel
from trainer.data.documents import Documents, tokenise
from trainer.data.masking import Alphabet, hide, padding_of
from trainer.data.packing import Packed, Piece, assemble, in_order
from trainer.data.reading import open_dataset
from trainer.models import language, tokenizers

# So that the logits of an evaluation fit in memory, however long the rows.
ROWS_AT_ONCE, TOKENS_AT_ONCE = 16, 2**14


@dataclass(frozen=True)
class TokenBatch:
    """Tensors on the device; see `trainer.data.packing.Packed` for shapes. `real` is bool (B, T), False for padding."""

    tokens: Tensor
    positions: Tensor
    where: Tensor
    answers: Tensor
    tasks: Tensor
    real: Tensor


@dataclass(frozen=True)
class Reader:
    """A network with its tokenizer. `mask_rate` is that of a masked language model, None for those that predict the next token."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    model: LanguageModel
    mask_rate: float | None
    device: torch.device

    @property
    def pad(self) -> int:
        found = self.tokenizer.pad_token_id
        return int(self.tokenizer.eos_token_id if found is None else found)

    @property
    def rows_at_once(self) -> int:
        return max(1, min(ROWS_AT_ONCE, TOKENS_AT_ONCE // self.model.max_tokens))

    @property
    def alphabet(self) -> Alphabet:
        return Alphabet(self.tokenizer.mask_token_id, frozenset(self.tokenizer.all_special_ids), len(self.tokenizer))

    def tokenised(self, task: AnyTask, dataset: str, split: str, folders: Sequence[Path]) -> Documents:
        """Raises ValueError where the columns do not fit the task, NothingLeft where no document is short enough."""
        return tokenise(open_dataset(dataset, split, folders), task, self.tokenizer, self.model.max_tokens, tokenizers.chat)

    def predicted(self, documents: Documents) -> np.ndarray:
        """Returns int32 (N), the tokens of the documents that the model may be asked for: never a special one where it guesses masks."""
        if self.mask_rate is None:
            return documents.answers
        found: np.ndarray = documents.tokens[~np.isin(documents.tokens, sorted(self.alphabet.special))]
        return found

    def asked(self, packed: Packed, seed: int, step: int) -> Packed:
        """A masked language model is asked about tokens that it does not see; they are drawn by seed and step."""
        return packed if self.mask_rate is None else hide(packed, self.mask_rate, self.alphabet, seed, step)

    def to_device(self, packed: Packed) -> TokenBatch:
        arrays = (packed.tokens, packed.positions, packed.where, packed.answers, packed.tasks, ~padding_of(packed))
        return TokenBatch(*(torch.from_numpy(array).to(self.device, non_blocking=True) for array in arrays))

    def logits(self, batch: TokenBatch) -> Tensor:
        """Returns float32 (N, vocabulary), for the positions that answer."""
        hidden_BTH = language.hidden(self.network, batch.tokens, batch.positions)
        return language.logits(self.network, hidden_BTH.flatten(0, 1).index_select(0, batch.where)).float()

    @torch.no_grad()
    def measure(self, documents: Documents, max_rows: int | None) -> tuple[float, float, int]:
        """Returns the sums of loss (nats) and of right answers, and the number of answers."""
        self.network.eval()
        total, num_right, num_answers = 0.0, 0.0, 0
        for packed in self.questions(documents, max_rows):
            batch = self.to_device(packed)
            logits_NV = self.logits(batch)
            total += float(functional.cross_entropy(logits_NV, batch.answers, reduction="sum"))
            num_right += float((logits_NV.argmax(1) == batch.answers).sum())
            num_answers += len(packed.answers)
        return total, num_right, num_answers

    def questions(self, documents: Documents, max_rows: int | None) -> Iterator[Packed]:
        """Every document once, or the first rows; masks are drawn from a fixed seed, so that two evaluations ask the same."""
        batches = in_order(documents, 0, self.model.max_tokens, self.pad, self.rows_at_once)
        for number, packed in enumerate(islice(batches, max_rows and max_rows // self.rows_at_once)):
            yield self.asked(packed, 0, number)

    @torch.no_grad()
    def document_losses(self, documents: Documents) -> np.ndarray:
        """Returns the mean loss of each document under the present weights, float (D); of a long one its beginning counts."""
        self.network.eval()
        starts = range(0, len(documents), self.rows_at_once)
        return np.concatenate([self.losses_of(documents, range(start, min(start + self.rows_at_once, len(documents)))) for start in starts])

    def losses_of(self, documents: Documents, numbers: range) -> np.ndarray:
        packed = self.asked(apart(documents, numbers, self.model.max_tokens, self.pad), 0, numbers.start)
        batch = self.to_device(packed)
        surprise_N = functional.cross_entropy(self.logits(batch), batch.answers, reduction="none").double().cpu().numpy()
        rows_N, num_rows = packed.where // self.model.max_tokens, len(packed.tokens)
        found: np.ndarray = np.bincount(rows_N, surprise_N, num_rows) / np.maximum(np.bincount(rows_N, minlength=num_rows), 1)
        return found


def apart(documents: Documents, numbers: range, max_tokens: int, pad: int) -> Packed:
    """Lays each document in a row of its own; a longer one is cut."""
    rows = [[Piece(0, number, 0, min(int(documents.lengths[number]), max_tokens))] for number in numbers]
    return assemble(rows, [documents], [0], max_tokens, pad)
