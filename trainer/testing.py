"""The verb `evaluate`: what a checkpoint is worth on a split, as figures and as what it said of every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.config import ImageTextModel
from trainer.evaluation import saving
from trainer.evaluation.bootstrap import Bootstrap
from trainer.evaluation.subjects import Subject, subject


def evaluate_folder(
    folder: Path,
    split: str,
    datasets: Sequence[Path],
    *,
    chosen: Path | None = None,
    dataset: str = "",
    to: Path | None = None,
    bootstrap: Bootstrap | None = None,
) -> dict[str, Any]:
    """Returns the evaluation as JSON, and keeps it under `to` with the samples; see `trainer.evaluation`.

    Raises ValueError where there is no such checkpoint, split or data set, or none that the checkpoint can be asked about, and Damaged,
    naming the file, for a checkpoint that is not what was saved.
    """
    asked = subject(folder, chosen, dataset, split, datasets)
    figures, said = evaluated(asked, bootstrap or Bootstrap())
    cards = [{"name": card.name, "fingerprint": card.fingerprint} for card in asked.cards()]
    found = {"checkpoint": asked.checkpoint.name, "split": split, "datasets": cards, **figures}
    if to is not None:
        saving.save(to, found, said)
    return found


def evaluated(asked: Subject, bootstrap: Bootstrap) -> tuple[dict[str, Any], Any]:
    if isinstance(asked.model, ImageTextModel):
        from trainer.evaluation.image_text import evaluate_image_text

        return evaluate_image_text(asked, bootstrap)
    from trainer.evaluation.language import evaluate_language

    return evaluate_language(asked, bootstrap)


def summary(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the figures that one line each can hold: numbers under their names, those of the split's classification in front."""
    split = found["split"]
    told = {name: value for name, value in found.items() if not isinstance(value, dict | list)}
    if classification := found.get("classification"):
        told[f"{split}/weighted_f1"] = classification["weighted_f1"]
        told[f"{split}/expected_calibration_error"] = classification["calibration"]["expected_calibration_error"]
        told |= {f"{split}/{name}/interval": classification["intervals"][name] for name in ("accuracy", "macro_f1")}
    for each in found.get("language", ()):
        names = ("perplexity", "bits_per_byte", "exact_match")
        told |= {f"{split}/{each['task']}/{each['dataset']}/{name}": each[name] for name in names if each[name] is not None}
    return told
