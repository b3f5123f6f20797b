"""An explanation as a document: for a checkpoint by its gradients, for any other runtime by occlusion, each named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from trainer.explain import grad_cam, gradients, occlusion
from trainer.explain.alone import alone
from trainer.explain.words import Word, frame, hidden_token, words_of
from trainer.inputs import checked, to_arrays
from trainer.predict import softmax
from trainer.runtimes import Arrays, Runtime, TorchRuntime


class Unwanted(Exception):
    """Nobody waits for the explanation any more."""


def explain(runtime: Runtime, image: bytes | None, text: str | None, is_unwanted: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Returns `class`, and what of `picture`, `words` and `alone` the model has to show. Raises ValueError as `predict` does.

    `picture.grid` has rows of 0..1 over the square that the network sees: the middle of the picture. `words.items` say for every class
    how much a word speaks for it (log-odds against all others). `alone` is there for models of both inputs.
    Raises Unwanted when it is, between two of them.
    """
    image, text = checked(runtime.card, image, text)
    arrays = to_arrays(runtime.card, runtime.tokenizer, image, text)
    target = int(softmax(runtime.logits(arrays)[0]).argmax())
    found: dict[str, Any] = {"class": runtime.card.classes[target]}
    if "picture" in arrays:
        found["picture"] = picture(runtime, arrays, target)
    give_up(is_unwanted)
    if "tokens" in arrays:
        assert text is not None
        found["words"] = words(runtime, arrays, text)
    give_up(is_unwanted)
    if "picture" in arrays and "tokens" in arrays:
        found["alone"] = alone(runtime, arrays, target)
    return found


def give_up(is_unwanted: Callable[[], bool]) -> None:
    if is_unwanted():
        raise Unwanted("Nobody waits for this explanation any more.")


def picture(runtime: Runtime, arrays: Arrays, target: int) -> dict[str, Any]:
    if isinstance(runtime, TorchRuntime):
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        map_HW = grad_cam.where_it_looked(runtime.network, tensors["picture"], tensors.get("tokens"), tensors.get("mask"), target).numpy()
        return {"method": grad_cam.METHOD, "grid": rounded(map_HW)}
    return {"method": occlusion.METHOD, "grid": rounded(occlusion.where_it_looked(runtime, arrays, target))}


def words(runtime: Runtime, arrays: Arrays, text: str) -> dict[str, Any]:
    encoded = runtime.tokenizer.encode(text)
    found, hidden = words_of(encoded), hidden_token(runtime.tokenizer)
    if isinstance(runtime, TorchRuntime):
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        tokens = (tensors.get("picture"), tensors["tokens"], tensors["mask"], hidden, frame(encoded))
        counted_KT, gap = gradients.tokens_that_counted(runtime.network, *tokens)
        by_word = np.array([[float(row[list(word.places)].sum()) for word in found] for row in counted_KT])
        told: dict[str, Any] = {"method": gradients.METHOD, "gap": round(gap, 4)}
    else:
        by_word = occlusion.words_that_counted(runtime, arrays, [word.places for word in found], hidden)
        told = {"method": occlusion.METHOD, "gap": None}
    return told | {
        "num_tokens": int(sum(encoded.attention_mask)),
        "is_cut": bool(encoded.overflowing),
        "items": [item(runtime, text, word, by_word[:, number]) for number, word in enumerate(found)],
    }


def item(runtime: Runtime, text: str, word: Word, towards_K: np.ndarray) -> dict[str, Any]:
    towards = {name: round(float(value), 4) for name, value in zip(runtime.card.classes, towards_K, strict=True)}
    return {"text": text[word.start : word.end], "start": word.start, "end": word.end, "towards": towards}


def rounded(map_HW: np.ndarray) -> list[list[float]]:
    return [[round(float(value), 3) for value in row] for row in map_HW]
