"""Static INT8 of an ONNX graph: ranges are calibrated on training samples, and quantize-dequantize pairs put into the graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from trainer.data.samples import Index, Samples
from trainer.quantization.questions import BATCH_SIZE, gather
from trainer.runtimes import Arrays, ModelCard

# Gather holds the word embeddings, half of a small text encoder's size.
QUANTIZED = ["Conv", "MatMul", "Gemm", "Gather"]


class Calibration(CalibrationDataReader):  # type: ignore[misc]
    """Feeds the calibrator batch by batch."""

    def __init__(self, found: Iterator[Arrays]) -> None:
        self.found = found

    def get_next(self) -> Arrays | None:
        return next(self.found, None)


def make_int8(whole: Path, target: Path, card: ModelCard, training: Samples, count: int) -> None:
    """Writes `target`, the INT8 graph of `whole`; a range is the smallest and the largest value seen (MinMax)."""
    prepared = target.with_name(f"prepared-{target.name}")
    quant_pre_process(whole, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        target,
        Calibration(batches(card, training, chosen(training, count))),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        calibrate_method=CalibrationMethod.MinMax,
        op_types_to_quantize=QUANTIZED,
    )
    prepared.unlink()


def chosen(samples: Samples, count: int) -> list[Index]:
    """Evenly spread over a seeded permutation, so every source and class has its part."""
    order = samples.in_order()
    return [order[number] for number in np.random.default_rng(0).permutation(len(order))[:count]]


def batches(card: ModelCard, samples: Samples, order: Sequence[Index]) -> Iterator[Arrays]:
    for start in range(0, len(order), BATCH_SIZE):
        yield gather(card, samples, order[start : start + BATCH_SIZE])
