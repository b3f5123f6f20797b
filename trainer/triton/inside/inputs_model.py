"""Triton's first step: a picture's bytes and a sentence become the model's inputs. It lies in the repository as `model.py`.

The folder `trainer/` beside it holds the very files that predictions outside Triton use: both make the same arrays, within the same limits.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import triton_python_backend_utils as triton
from tokenizers import Tokenizer

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from trainer.inputs import checked_arrays  # noqa: E402


class TritonPythonModel:
    """One instance of the step: the class's name and its methods are those that Triton calls."""

    def initialize(self, args: dict[str, str]) -> None:
        self.card = SimpleNamespace(**json.loads((HERE / "card.json").read_text()))
        self.tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        """What cannot be used is answered with the sentence that says why; the other requests of the batch are not touched."""
        try:
            rows = [checked_arrays(self.card, self.tokenizer, *row) for row in self.rows(request)]
        except ValueError as error:
            return triton.InferenceResponse(error=triton.TritonError(str(error), triton.TritonError.INVALID_ARG))
        return triton.InferenceResponse([triton.Tensor(name, np.concatenate([row[name] for row in rows])) for name in self.card.names])

    def rows(self, request: Any) -> list[tuple[bytes | None, str | None]]:
        """Raises ValueError for a text that is no UTF-8."""
        given = {each.name(): each.as_numpy().reshape(-1) for each in request.inputs()}
        count = len(next(iter(given.values())))
        images = given.get("image", [None] * count)
        texts = [None if each is None else decoded(each) for each in given.get("text", [None] * count)]
        return list(zip(images, texts, strict=True))


def decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise ValueError("The text is not UTF-8.") from None
