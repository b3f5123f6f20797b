"""From a trained network to ONNX: the graph, its check against PyTorch, and the folder that holds all one needs to use it. The verb too."""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from trainer import checkpoint
from trainer.manifest import MANIFEST, verify, write_manifest
from trainer.models import ecosystem
from trainer.models.network import Network
from trainer.runtimes import CARD, Arrays, ModelCard, TorchRuntime

OPSET = 20
BATCH_SIZES = (1, 5, 16)
NOISY = ("torch.onnx", "torch.onnx._internal.exporter._registration", "onnxscript.optimizer._constant_folding")
MAX_DIFFERENCE = 1e-3  # of the logits; rounding alone gives about 1e-6


class Classifier(nn.Module):
    """The network with the inputs that it looks at, and no others: an unused input would not be in the graph."""

    def __init__(self, network: Network, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        logits: Tensor = self.network(given.get("picture"), given.get("tokens"), given.get("mask"))
        return logits


def export_onnx(runtime: TorchRuntime, path: Path) -> float:
    """Writes the graph with a dynamic batch and returns the largest difference of its logits to PyTorch's, over several batch sizes.

    Raises RuntimeError when they differ by more than rounding.
    """
    model = Classifier(runtime.network, runtime.card.names).eval()
    with quiet():
        program = torch.export.export(model, examples(runtime), dynamic_shapes=(dynamic_batch(runtime.card.names),))
    write_program(program, runtime.card.names, path)
    return parity(runtime, path)


def write_program(exported: torch.export.ExportedProgram, names: tuple[str, ...], path: Path) -> None:
    with quiet():
        program = torch.onnx.export(
            exported, dynamo=True, input_names=list(names), output_names=["logits"], opset_version=OPSET, verbose=False
        )
    assert program is not None
    program.save(path, external_data=False)


def examples(runtime: TorchRuntime) -> tuple[Tensor, ...]:
    """Two samples, for a batch of one would be taken for a constant."""
    return tuple(torch.from_numpy(array) for array in random_arrays(runtime, 2).values())


def dynamic_batch(names: tuple[str, ...]) -> tuple[dict[int, Any], ...]:
    """Each input has as many rows as the batch, whatever that is."""
    batch = torch.export.Dim("batch", min=1, max=4096)
    return tuple({0: batch} for _ in names)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The exporter warns of its own internals, of a package we do not use and of constants it could not fold; parity is what counts."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def parity(runtime: TorchRuntime, path: Path) -> float:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for size in BATCH_SIZES:
        arrays = random_arrays(runtime, size)
        largest = max(largest, float(np.abs(session.run(["logits"], arrays)[0] - runtime.logits(arrays)).max()))
    if not largest <= MAX_DIFFERENCE:
        raise RuntimeError(f"the ONNX graph differs from PyTorch by {largest:g}")
    return largest


def random_arrays(runtime: TorchRuntime, size: int) -> Arrays:
    """Seeded inputs of the right shapes; every second sentence is padded."""
    rng, card = np.random.default_rng(0), runtime.card
    mask = np.ones((size, card.max_tokens), np.int64)
    mask[::2, card.max_tokens // 2 :] = 0
    every: Arrays = {
        "picture": rng.standard_normal((size, 3, card.image_size, card.image_size), np.float32),
        "tokens": rng.integers(0, runtime.tokenizer.get_vocab_size(), (size, card.max_tokens)),
        "mask": mask,
    }
    return {name: every[name] for name in card.names}


def complete(partial: Path, card: ModelCard, tokenizer: Tokenizer) -> None:
    """Makes a folder of model files whole by card, tokenizer and manifest."""
    (partial / CARD).write_text(card.model_dump_json(indent=1) + "\n")
    tokenizer.save(str(partial / "tokenizer.json"))
    (partial / MANIFEST).unlink(missing_ok=True)
    write_manifest(partial)


def new_partial(folder: Path) -> Path:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


def export_folder(folder: Path, to: Path, form: str = "onnx") -> str:
    """The verb: `transformers` folders of the last checkpoint, or ONNX. Returns where it lies.

    ONNX is copied from a quantization, and exported in FP32 where there is none. Raises ValueError when the target holds something
    or the folder holds no model.
    """
    if to.exists() and any(to.iterdir()):
        raise ValueError(f"--to: {to} is not empty")
    exported = next((path for path in (folder, folder / "export") if (path / CARD).exists()), None)
    if form == "transformers":
        export_transformers(checkpoint.newest(folder), to)
    elif exported:
        copy(exported, to)
    else:
        export_checkpoint(checkpoint.newest(folder), to)
    return str(to)


def export_transformers(source: Path, to: Path) -> None:
    partial = new_partial(to)
    ecosystem.save(source, partial)
    give_name(partial, to)


def give_name(partial: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    partial.rename(to)


def copy(exported: Path, to: Path) -> None:
    verify(exported)
    partial = new_partial(to)
    for path in exported.iterdir():
        if path.name != MANIFEST:
            shutil.copy2(path, partial)
    write_manifest(partial)
    give_name(partial, to)


def export_checkpoint(source: Path, to: Path) -> None:
    runtime, partial = TorchRuntime(source), new_partial(to)
    difference = export_onnx(runtime, partial / "fp32.onnx")
    card = runtime.card.model_copy(update={"files": {"fp32": "fp32.onnx"}, "parity": difference})
    complete(partial, card, runtime.tokenizer)
    give_name(partial, to)
