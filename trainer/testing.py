"""The verb `evaluate`: figures of a folder's last checkpoint on a held-out split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer import checkpoint
from trainer.config import StageJob
from trainer.device import choose
from trainer.families import LEARNERS


def evaluate_folder(folder: Path, split: str, datasets: Sequence[Path]) -> dict[str, Any]:
    """Raises ValueError where there is no checkpoint or no such split."""
    source = checkpoint.newest(folder)
    card = checkpoint.document(source, "config")
    document = {"model": card["model"], "stage": card["stage"], "index": card.get("index", 1), "is_last": True, "parent": str(source)}
    job = StageJob.model_validate(document)
    learner = LEARNERS[job.model.family](job, datasets, choose(job.stage.precision))
    return {"checkpoint": source.name, "split": split, **learner.evaluate(split, by_class=True)}
