"""From a trained network to ONNX: the graph, its check against PyTorch, and the folder that holds all one needs to use it. The verb too."""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from trainer import checkpoint
from trainer.manifest import MANIFEST, verify, write_manifest
from trainer.models import ecosystem
from trainer.models.network import Network
from trainer.runtimes import CARD, Arrays, ModelCard, Parity, TorchRuntime

OPSET = 20
BATCH_SIZES = (1, 5, 16)
NOISY = ("torch.onnx", "torch.onnx._internal.exporter._registration", "onnxscript.optimizer._constant_folding")
SHORTEST = 3  # tokens: [CLS], one word, [SEP]
MAX_DIFFERENCE = 1e-4  # of the logits; rounding alone gives about 1e-6


class Classifier(nn.Module):
    """The network with the inputs that it looks at, and no others: an unused input would not be in the graph."""

    def __init__(self, network: Network, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        logits: Tensor = self.network(given.get("picture"), given.get("tokens"), given.get("mask"))
        return logits


def export_onnx(runtime: TorchRuntime, path: Path) -> tuple[Parity, ...]:
    """Writes the graph, dynamic in the batch and in the length of texts, and returns how far its logits are from PyTorch's.

    Raises RuntimeError when they differ by more than rounding.
    """
    model = Classifier(runtime.network, runtime.card.names).eval()
    with quiet():
        program = torch.export.export(model, examples(runtime), dynamic_shapes=(dynamic_shapes(runtime.card),))
    write_program(program, runtime.card.names, path)
    return parity(runtime, path)


def write_program(exported: torch.export.ExportedProgram, names: tuple[str, ...], path: Path) -> None:
    with quiet():
        program = torch.onnx.export(
            exported,
            dynamo=True,
            input_names=list(names),
            output_names=["logits"],
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=False)


def examples(runtime: TorchRuntime) -> tuple[Tensor, ...]:
    """Two samples, for a batch of one would be taken for a constant."""
    return tuple(torch.from_numpy(array) for array in random_arrays(runtime, 2).values())


def dynamic_shapes(card: ModelCard) -> tuple[dict[int, torch.export.Dim], ...]:
    """Returns the dimensions of each input that may be of any size: the batch, and the tokens up to the card's most."""
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=SHORTEST, max=card.max_tokens)
    return tuple({0: batch} if name == "picture" else {0: batch, 1: length} for name in card.names)


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


def parity(runtime: TorchRuntime, path: Path) -> tuple[Parity, ...]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = tuple(compared(runtime, session, size, length) for length in lengths(runtime.card) for size in BATCH_SIZES)
    worst = max(found, key=lambda case: case.difference)
    if not worst.difference <= MAX_DIFFERENCE:
        texts = f" and texts of {worst.num_tokens} tokens" if worst.num_tokens else ""
        raise RuntimeError(f"the ONNX graph differs from PyTorch by {worst.difference:g} at batch {worst.batch_size}{texts}")
    return found


def parity_fields(cases: tuple[Parity, ...]) -> dict[str, object]:
    """What the card says of it: every case, and the largest difference of all."""
    return {"parity": max(case.difference for case in cases), "parity_cases": cases}


def lengths(card: ModelCard) -> tuple[int, ...]:
    """Three lengths of text, the longest among them; none for a model that reads no text."""
    return (SHORTEST, card.max_tokens // 2, card.max_tokens) if "tokens" in card.names else (0,)


def compared(runtime: TorchRuntime, session: onnxruntime.InferenceSession, size: int, length: int) -> Parity:
    arrays = random_arrays(runtime, size, length)
    difference = np.abs(session.run(["logits"], arrays)[0] - runtime.logits(arrays)).max()
    return Parity(batch_size=size, num_tokens=length, difference=float(difference))


def random_arrays(runtime: TorchRuntime, size: int, length: int | None = None) -> Arrays:
    """Seeded inputs of the right shapes, texts of `length` tokens (the card's most by default); every second one is padded."""
    rng, card = np.random.default_rng(0), runtime.card
    shape = (size, card.max_tokens if length is None else length)
    mask = np.ones(shape, np.int64)
    mask[::2, shape[1] // 2 :] = 0
    every: Arrays = {
        "picture": rng.standard_normal((size, 3, card.image_size, card.image_size), np.float32),
        "tokens": rng.integers(0, runtime.tokenizer.get_vocab_size(), shape),
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
    cases = export_onnx(runtime, partial / "fp32.onnx")
    card = runtime.card.model_copy(update={"files": {"fp32": "fp32.onnx"}, **parity_fields(cases)})
    complete(partial, card, runtime.tokenizer)
    give_name(partial, to)
