"""What one precision of a language model makes of every question, in a process of its own. Free of torch but where PyTorch computes.

N predictions, V vocabulary, M of the predictions whose logits are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from trainer.quantization.language.questions import Prompts, Questions
from trainer.quantization.language.runtimes import LanguageRuntime, OnnxLanguage, TorchLanguage
from trainer.quantization.measuring import Measurement, measure
from trainer.runtimes import Arrays

# So many logits are kept of a precision, 64 MB: enough to tell how noisy it is.
MAX_LOGITS = 2**24


@dataclass(frozen=True)
class Told:
    """`nats` float64 (N) of the true token, `likeliest` int64 (N), and `logits` float32 (M, V) of evenly spread predictions."""

    nats: np.ndarray
    likeliest: np.ndarray
    logits: np.ndarray

    def save(self, folder: Path) -> None:
        for each in fields(self):
            np.save(folder / f"{each.name}.npy", getattr(self, each.name))

    @classmethod
    def load(cls, folder: Path) -> Told:
        return cls(*(np.load(folder / f"{each.name}.npy") for each in fields(cls)))


class NextOfPrompt:
    """The model as whoever begins to write with it asks it: what comes behind a prompt. So the logits of no more are kept."""

    def __init__(self, runtime: LanguageRuntime) -> None:
        self.runtime, self.name = runtime, runtime.name

    def logits(self, arrays: Arrays) -> np.ndarray:
        return self.runtime.logits(arrays)[:, -1].copy()


def measure_language(asked: Measurement, folder: Path) -> dict[str, Any]:
    """Returns the cost of one pass over prompts of one length, and writes beside it what the model makes of every question.

    A sample is a prompt: `throughput_per_s` counts prompts, `tokens_per_s` their tokens.
    """
    runtime, questions = load(asked), Questions.load(Path(asked.questions))
    cost, _ = measure(NextOfPrompt(runtime), Prompts(questions.prompts), asked.num_latency)
    answer_all(runtime, questions).save(folder)
    length = questions.prompts.shape[1]
    return cost | {"prompt_tokens": length, "tokens_per_s": round(cost["throughput_per_s"] * length, 1)}


def load(asked: Measurement) -> LanguageRuntime:
    if asked.library == "onnxruntime":
        return OnnxLanguage(Path(asked.model), asked.precision, asked.num_threads)
    from trainer.device import set_threads

    set_threads(asked.num_threads)
    return TorchLanguage(Path(asked.model), asked.precision)


def answer_all(runtime: LanguageRuntime, questions: Questions) -> Told:
    answers_N, started, found = questions.answers(), 0, []
    interval = 0
    for tokens_BT, asked_BT in questions.batches():
        logits_NV = runtime.logits({"tokens": tokens_BT})[asked_BT]
        interval = interval or spread(len(answers_N), logits_NV.shape[1])
        stop = started + len(logits_NV)
        found.append((nats(logits_NV, answers_N[started:stop]), logits_NV.argmax(1), logits_NV[-started % interval :: interval].copy()))
        started = stop
    assert started == len(answers_N)
    return Told(*(np.concatenate(column) for column in zip(*found, strict=True)))


def spread(num_answers: int, num_tokens: int) -> int:
    """Every how manieth prediction's logits are kept."""
    return -(-num_answers * num_tokens // MAX_LOGITS)


def nats(logits_NV: np.ndarray, answers_N: np.ndarray) -> np.ndarray:
    """Returns the cross-entropy of each answer, float64 (N)."""
    most_N = logits_NV.max(1)
    raised_NV = np.exp(logits_NV - most_N[:, None])
    found: np.ndarray = np.log(raised_NV.sum(1, dtype=np.float64)) + most_N - logits_NV[np.arange(len(answers_N)), answers_N]
    return found
