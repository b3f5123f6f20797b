"""The verb `evaluate`: figures of a folder's last checkpoint on a held-out split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer import checkpoint
from trainer.config import ImageTextModel, Stage
from trainer.data.samples import Samples
from trainer.evaluate import evaluate
from trainer.models.network import from_checkpoint


def evaluate_folder(folder: Path, split: str, datasets: Sequence[Path]) -> dict[str, Any]:
    """Raises ValueError where there is no checkpoint or no such split."""
    source = checkpoint.newest(folder)
    network, tokenizer, _ = from_checkpoint(source)
    card = checkpoint.document(source, "config")
    stage, side = Stage.model_validate(card["stage"]), ImageTextModel.model_validate(card["model"]).image.image_size
    samples: dict[str, Samples] = {task.kind: Samples(task, split, datasets, tokenizer, side) for task in stage.tasks}
    return {"checkpoint": source.name, "split": split, **evaluate(network, stage, samples, split, by_class=True)}
