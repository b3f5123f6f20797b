"""What a model costs and gains in a runtime: latency, throughput and accuracy, measured here and now."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from trainer.data.pictures import normalise
from trainer.data.samples import Index, Samples
from trainer.evaluate import macro_f1
from trainer.runtimes import Arrays, ModelCard, Runtime

BATCH_SIZE = 16
NUM_WARM_UP = 5


@dataclass(frozen=True)
class Measurement:
    """Latency of single predictions and throughput in batches of 16, of the model alone on ready arrays; quality over the test split."""

    latency_ms_p50: float
    latency_ms_p99: float
    throughput_per_s: float
    accuracy: float
    macro_f1: float
    num_samples: int

    def fields(self) -> dict[str, float]:
        return asdict(self)


def measure(runtime: Runtime, samples: Samples, num_latency: int) -> Measurement:
    order = samples.in_order()
    predictions, labels, took_s = classify(runtime, samples, order)
    p50, p99 = np.percentile(latencies_ms(runtime, samples, order, num_latency), (50, 99))
    return Measurement(
        latency_ms_p50=round(float(p50), 3),
        latency_ms_p99=round(float(p99), 3),
        throughput_per_s=round(len(order) / took_s, 2),
        accuracy=float((predictions == labels).mean()),
        macro_f1=macro_f1(predictions, labels, len(runtime.card.classes)),
        num_samples=len(order),
    )


def classify(runtime: Runtime, samples: Samples, order: Sequence[Index]) -> tuple[np.ndarray, np.ndarray, float]:
    """Returns predictions and labels (N) and the seconds that the model took, making the arrays left out."""
    runtime.logits(gather(runtime.card, samples, order[:BATCH_SIZE]))
    predictions, took_s = [], 0.0
    for arrays in batches(runtime.card, samples, order):
        began = time.perf_counter()
        logits = runtime.logits(arrays)
        took_s += time.perf_counter() - began
        predictions.append(logits.argmax(1))
    return np.concatenate(predictions), samples.labels(order), took_s


def latencies_ms(runtime: Runtime, samples: Samples, order: Sequence[Index], count: int) -> list[float]:
    """Times `count` single predictions, going round the samples, after a few that are not counted."""
    took = []
    for number in range(count + NUM_WARM_UP):
        arrays = gather(runtime.card, samples, [order[number % len(order)]])
        began = time.perf_counter()
        runtime.logits(arrays)
        took.append((time.perf_counter() - began) * 1000)
    return took[NUM_WARM_UP:]


def batches(card: ModelCard, samples: Samples, order: Sequence[Index]) -> Iterator[Arrays]:
    for start in range(0, len(order), BATCH_SIZE):
        yield gather(card, samples, order[start : start + BATCH_SIZE])


def gather(card: ModelCard, samples: Samples, indices: Sequence[Index]) -> Arrays:
    """Returns the model's inputs for some samples."""
    arrays: Arrays = {}
    if "picture" in card.names:
        arrays["picture"] = normalise(samples.pictures(indices)[0])
    if "tokens" in card.names:
        arrays["tokens"], arrays["mask"] = samples.tokens(indices)
    return arrays
