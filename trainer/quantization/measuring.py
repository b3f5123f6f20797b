"""One precision on its own: latency, throughput, CPU time and peak memory of a process that does nothing else, and its logits.

Torch is imported only where the precision runs in PyTorch, so that the peaks of two precisions can be compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from trainer.config.settings import Settings
from trainer.quantization.questions import BATCH_SIZE, Questions
from trainer.runtimes import Arrays, OnnxRuntime, Runtime, TorchRuntime
from trainer.system import peak_memory_bytes

ASKED, COST, LOGITS, SAID = "asked.json", "cost.json", "logits.npy", "said.txt"
NUM_WARM_UP = 3
FEWEST_BATCHES = 10


class Measurement(Settings):
    """What the process is told: where the model and the questions lie. Answers go beside the file that says so."""

    precision: str
    library: Literal["pytorch", "onnxruntime"]
    model: str
    questions: str
    num_threads: int
    num_latency: int
    is_language: bool = False


class Answering(Protocol):
    """A model in a runtime, of which only its answers are wanted."""

    name: str

    def logits(self, arrays: Arrays) -> np.ndarray: ...


class Samples(Protocol):
    """Ready arrays that it can be asked, by batches that go round, or each once."""

    def __len__(self) -> int: ...

    def batch(self, start: int, size: int) -> Arrays: ...

    def batches(self) -> Iterator[Arrays]: ...


def measure_apart(asked: Measurement, folder: Path) -> tuple[dict[str, Any], np.ndarray]:
    """Measures in a process of its own, which ends with this one; returns its cost and its logits (N, classes).

    Raises RuntimeError with what the process said when it failed.
    """
    folder.mkdir()
    (folder / ASKED).write_text(asked.model_dump_json())
    command = [sys.executable, "-m", "trainer", "measure", str(folder), "--lifeline"]
    with (folder / SAID).open("w") as said, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said) as child:
        try:
            status = child.wait()
        except BaseException:
            child.kill()
            raise
    if status:
        raise RuntimeError(f"measuring {asked.precision} failed: {(folder / SAID).read_text().strip()[-2000:]}")
    return json.loads((folder / COST).read_text()), np.load(folder / LOGITS)


def measure_folder(folder: Path) -> None:
    """The verb `measure`: reads what is asked and writes cost and logits beside it."""
    asked = Measurement.model_validate_json((folder / ASKED).read_text())
    if asked.is_language:
        # Imported here: it takes from this module how a call is timed.
        from trainer.quantization.language.measuring import measure_language

        cost = measure_language(asked, folder)
        (folder / COST).write_text(json.dumps(cost))
        return
    runtime = load(asked)
    cost, logits = measure(runtime, Questions(Path(asked.questions), runtime.card), asked.num_latency)
    np.save(folder / LOGITS, logits)
    (folder / COST).write_text(json.dumps(cost))


def load(asked: Measurement) -> Runtime:
    if asked.library == "onnxruntime":
        return OnnxRuntime(Path(asked.model), asked.precision, asked.num_threads)
    from trainer.device import set_threads

    set_threads(asked.num_threads)
    return TorchRuntime(Path(asked.model), "bf16" if asked.precision == "bf16" else "fp32")


def measure(runtime: Answering, questions: Samples, num_latency: int) -> tuple[dict[str, Any], np.ndarray]:
    """Returns the cost of the model alone on ready arrays, and its logits (N, classes).

    Milliseconds are those of whole calls, at batch 1 and at batch 16; samples a second and CPU milliseconds a sample are those of one
    pass over all questions in batches of 16. The memory is the peak of the process when it has answered both kinds of call.
    """
    single = latencies_ms(runtime.logits, questions, 1, num_latency)
    batch = latencies_ms(runtime.logits, questions, BATCH_SIZE, max(FEWEST_BATCHES, num_latency // BATCH_SIZE))
    peak = peak_memory_bytes()
    logits, took_s, cpu_s = answer_all(runtime.logits, questions)
    cost = {
        "runtime": runtime.name,
        "latency_ms_p50": percentile(single, 50),
        "latency_ms_p99": percentile(single, 99),
        "batch_size": BATCH_SIZE,
        "batch_ms_p50": percentile(batch, 50),
        "batch_ms_p99": percentile(batch, 99),
        "throughput_per_s": round(len(questions) / took_s, 2),
        "cpu_ms_per_sample": round(1000 * cpu_s / len(questions), 4),
        "peak_memory_bytes": peak,
    }
    return cost, logits


def percentile(took_ms: list[float], level: float) -> float:
    return round(float(np.percentile(took_ms, level)), 3)


def latencies_ms(logits: Callable[[Arrays], np.ndarray], questions: Samples, size: int, count: int) -> list[float]:
    """Times `count` calls, going round the questions, after a few that are not counted."""
    took = []
    for number in range(count + NUM_WARM_UP):
        arrays = questions.batch(number * size, size)
        began = time.perf_counter()
        logits(arrays)
        took.append((time.perf_counter() - began) * 1000)
    return took[NUM_WARM_UP:]


def answer_all(logits: Callable[[Arrays], np.ndarray], questions: Samples) -> tuple[np.ndarray, float, float]:
    """Returns the logits and the seconds and CPU seconds that the model took, making the arrays left out."""
    answers, took_s, cpu_s = [], 0.0, 0.0
    for arrays in questions.batches():
        began, cpu_began = time.perf_counter(), time.process_time()
        answers.append(logits(arrays))
        took_s, cpu_s = took_s + time.perf_counter() - began, cpu_s + time.process_time() - cpu_began
    return np.concatenate(answers), took_s, cpu_s
