"""The verb `evaluate`: what a checkpoint is worth on a split, as figures and as what it said of every sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer import config
from trainer.config import EvaluationJob, ImageTextModel
from trainer.evaluation import saving
from trainer.evaluation.bootstrap import Bootstrap
from trainer.evaluation.subjects import Subject, subject
from trainer.events import EventLog
from trainer.job import run
from trainer.progress import Advance, Progress, to_nobody


def is_job(folder: Path) -> bool:
    """Whether `config.json` asks for an evaluation, and not for what a folder of checkpoints was trained by."""
    try:
        return "split" in json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):
        return False


def evaluate_job(folder: Path, datasets: Sequence[Path], stop_asked: Callable[[], bool], doorbell: int | None = None) -> int:
    """Reads `config.json` (an EvaluationJob), writes the evaluation and the events beside it; returns the exit status.

    Raises ValueError (pydantic's included) for what the user gave.
    """
    job = config.parse(json.loads((folder / "config.json").read_text()))
    assert isinstance(job, EvaluationJob)
    return run(folder, lambda events: work(job, folder, datasets, events), stop_asked, doorbell)


def work(job: EvaluationJob, folder: Path, datasets: Sequence[Path], events: EventLog) -> None:
    from trainer.device import set_threads

    events.emit("preparing", what="Loading the model and the data")
    set_threads(job.num_threads)
    chosen = {"chosen": Path(job.checkpoint), "dataset": job.dataset, "to": folder}
    evaluate_folder(folder, job.split, datasets, **chosen, advance=Progress(events))  # type: ignore[arg-type]
    samples = folder / saving.SAMPLES
    events.emit("scored", figures=saving.FIGURES, samples=samples.name if samples.exists() else None)
    events.emit("finished", results={})


def evaluate_folder(
    folder: Path,
    split: str,
    datasets: Sequence[Path],
    *,
    chosen: Path | None = None,
    dataset: str = "",
    to: Path | None = None,
    bootstrap: Bootstrap | None = None,
    advance: Advance = to_nobody,
) -> dict[str, Any]:
    """Returns the evaluation as JSON, and keeps it under `to` with the samples; see `trainer.evaluation`.

    Raises ValueError where there is no such checkpoint, split or data set, or none that the checkpoint can be asked about, and Damaged,
    naming the file, for a checkpoint that is not what was saved.
    """
    asked = subject(folder, chosen, dataset, split, datasets)
    figures, said = evaluated(asked, bootstrap or Bootstrap(), advance)
    cards = [{"name": card.name, "fingerprint": card.fingerprint} for card in asked.cards()]
    found = {"checkpoint": asked.checkpoint.name, "split": split, "datasets": cards, **figures}
    if to is not None:
        saving.save(to, found, said)
    return found


def evaluated(asked: Subject, bootstrap: Bootstrap, advance: Advance) -> tuple[dict[str, Any], Any]:
    if isinstance(asked.model, ImageTextModel):
        from trainer.evaluation.image_text import evaluate_image_text

        return evaluate_image_text(asked, bootstrap, advance)
    from trainer.evaluation.language import evaluate_language

    return evaluate_language(asked, bootstrap, advance)


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
