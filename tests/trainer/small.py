"""Data sets of a few rows and configs of a few steps, so that a whole training takes a second."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from trainer.config import ImageTextModel, StageJob
from trainer.data.writing import Sample, write_dataset

if TYPE_CHECKING:
    from trainer.loop import Training
    from trainer.models.network import Network
    from trainer.tasks.objective import Batch

WORDS = ("day", "light", "rain", "good", "bad", "street", "train", "happy", "broken", "quiet", "loud", "red", "green", "home")
MODEL: dict[str, Any] = {
    "image": {"image_size": 16, "stem_width": 4, "widths": [4, 8], "depths": [1, 1]},
    "text": {"width": 16, "num_layers": 2, "num_heads": 2, "max_tokens": 12},
    "fusion_width": 8,
}


def picture(seed: int, side: int = 16) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def sample(seed: int) -> Sample:
    words = np.random.default_rng(seed).choice(WORDS, 3 + seed % 5)
    return Sample(picture(seed), " ".join(words), seed % 2)


def write_pairs(root: Path, name: str = "pairs", num_rows: int = 14, seed: int = 0) -> Path:
    """Writes a labelled data set of random pairs and returns the folder of data sets."""
    sizes = {"train": num_rows, "validation": 6, "test": 6}
    splits = {split: [sample(seed + 1000 * number + row) for row in range(size)] for number, (split, size) in enumerate(sizes.items())}
    write_dataset(root / name, splits, ("image", "text", "label"), title=name, classes=["down", "up"])
    return root


def task(kind: str = "sentiment", *datasets: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "sources": [{"dataset": name} for name in datasets or ("pairs",)], **fields}


def stage(*tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "Refinement", "tasks": tasks or (task(),), "batch_size": 4, "steps": 10, "validation_interval": 5, **fields}


def job(*tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The config of one stage; `fields` are the stage's."""
    return {"model": MODEL, "stage": stage(*tasks, **fields), "index": 1, "is_last": True, "num_threads": 1}


def training(datasets: Path, *tasks: dict[str, Any], model: dict[str, Any] | None = None, **fields: Any) -> Training:
    """Prepares a stage on the small network; `model` are changes to it, `fields` the stage's."""
    import torch

    from trainer.stage import prepare

    document = job(*(tasks or (task(),)), **fields)
    made = StageJob.model_validate(document | {"model": MODEL | (model or {})})
    torch.set_num_threads(1)
    return prepare(made, [datasets], made.stage.steps or 0)


def network(*heads: str, seed: int = 0, **model: Any) -> Network:
    """Builds the small network with heads of two classes, in evaluation mode."""
    import torch

    from trainer.models.network import build

    torch.manual_seed(seed)
    built, _ = build(ImageTextModel.model_validate(MODEL | model))
    for head in heads:
        built.add_head(head, 2)
    return built.eval()


def batch(size: int = 4, seed: int = 0) -> Batch:
    """Sentences of 3 to 6 tokens between [CLS] and [SEP], padded to 8; each sample has a picture of its own."""
    import torch

    from trainer.tasks.objective import Batch

    rng = np.random.default_rng(seed)
    mask = np.array([[1] * (5 + row % 4) + [0] * (3 - row % 4) for row in range(size)])
    tokens = rng.integers(1000, 2000, mask.shape) * mask
    pictures = rng.standard_normal((size, 3, 16, 16)).astype(np.float32)
    labels = np.arange(size) % 2
    columns = (torch.from_numpy(array) for array in (pictures, tokens, mask, labels, np.arange(size)))
    return Batch(*columns, np.random.default_rng(seed), mask)
