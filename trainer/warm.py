"""The models that a warm process keeps loaded: those that were asked last, as far as its memory goes."""

from __future__ import annotations

import os
import statistics
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainer.predict import exported_in, load
from trainer.runtimes import Arrays, OnnxRuntime, Runtime, TorchRuntime, cores

BUDGET_VARIABLE = "ANNEAL_WARM_MEMORY_MB"
DEFAULT_BUDGET_MB = 2048
NUM_TIMED = 50
NUM_TRIED = 3


@dataclass
class Kept:
    """A loaded model, the size of its weights on disk, and how long its last answers took."""

    runtime: Runtime
    size_bytes: int
    num_threads: int
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=NUM_TIMED))

    def prepare(self) -> None:
        """Threads are the process's, so another model may have set others."""
        if isinstance(self.runtime, TorchRuntime):
            set_torch_threads(self.num_threads)

    def facts(self, latency_ms: float) -> dict[str, Any]:
        self.latencies_ms.append(latency_ms)
        return {
            "latency_ms_p50": round(statistics.median(self.latencies_ms), 2),
            "num_timed": len(self.latencies_ms),
            "size_bytes": self.size_bytes,
            "runtime": self.runtime.name,
        }


class Shelf:
    """Loads at the first question. The model asked longest ago goes first once their weights together pass the budget.

    Weights are counted by their size on disk: what a runtime needs beside them is small where one sample is asked at a time. The
    model that is asked now is kept, however large it is.
    """

    def __init__(self, budget_bytes: int, loader: Callable[[Path, str], Runtime] = load) -> None:
        self.budget_bytes, self.loader = budget_bytes, loader
        self.models: OrderedDict[tuple[Path, str], Kept] = OrderedDict()

    def holds(self, folder: Path, precision: str) -> bool:
        return (folder, precision) in self.models

    def take(self, folder: Path, precision: str) -> Kept:
        """Raises what `load` raises."""
        if not self.holds(folder, precision):
            runtime = self.loader(folder, precision)
            self.models[folder, precision] = Kept(runtime, size_of(runtime, folder, precision), warmed_up(runtime))
        self.models.move_to_end((folder, precision))
        self.make_room()
        kept = self.models[folder, precision]
        kept.prepare()
        return kept

    def make_room(self) -> None:
        while len(self.models) > 1 and sum(kept.size_bytes for kept in self.models.values()) > self.budget_bytes:
            self.models.popitem(last=False)

    def clear(self) -> None:
        self.models.clear()


def warmed_up(runtime: Runtime) -> int:
    """Asks about nothing, so that nobody waits for what only the first question takes. Returns the best number of torch's threads."""
    arrays = blank(runtime)
    runtime.logits(arrays)
    if not isinstance(runtime, TorchRuntime):
        return cores()

    def ask(num_threads: int) -> None:
        set_torch_threads(num_threads)
        runtime.logits(arrays)

    return quickest(sorted({1, cores()}), ask)


def quickest(choices: Sequence[int], ask: Callable[[int], None], clock: Callable[[], float] = time.perf_counter) -> int:
    """Returns the number of threads at which one question is answered soonest.

    A small network waits for its threads longer than they save: the example answers in 18 ms with one, in 140 ms with two that share
    their cores with a training.
    """
    took: dict[int, float] = {}
    for choice in choices:
        ask(choice)
        times = []
        for _ in range(NUM_TRIED):
            began = clock()
            ask(choice)
            times.append(clock() - began)
        took[choice] = statistics.median(times)
    return min(took, key=lambda choice: took[choice])


def set_torch_threads(num_threads: int) -> None:
    import torch

    torch.set_num_threads(num_threads)


def blank(runtime: Runtime) -> Arrays:
    """A picture and a sentence of nothing, as a batch of one."""
    card, empty = runtime.card, runtime.tokenizer.encode("")
    every: Arrays = {
        "picture": np.zeros((1, 3, card.image_size, card.image_size), np.float32),
        "tokens": np.array([empty.ids], np.int64),
        "mask": np.array([empty.attention_mask], np.int64),
    }
    return {name: every[name] for name in card.names}


def size_of(runtime: Runtime, folder: Path, precision: str) -> int:
    """Returns the bytes of the file that the weights were read from."""
    if isinstance(runtime, OnnxRuntime):
        exported = exported_in(folder)
        assert exported
        return (exported / runtime.card.files[precision]).stat().st_size
    from trainer import checkpoint

    return (checkpoint.newest(folder) / "model.safetensors").stat().st_size


def budget_bytes() -> int:
    """Raises ValueError for a budget that is no number of megabytes."""
    given = os.environ.get(BUDGET_VARIABLE, str(DEFAULT_BUDGET_MB))
    if not given.isdecimal():
        raise ValueError(f"{BUDGET_VARIABLE} is a number of megabytes, not {given!r}")
    return int(given) * 10**6


shelf = Shelf(budget_bytes())
