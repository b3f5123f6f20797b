"""Where an evaluation is kept: the figures as JSON, and beside them what was said of every sample. Free of torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.evaluation import documents, predictions, stored
from trainer.evaluation.documents import Scored
from trainer.evaluation.predictions import Predictions

FIGURES, SAMPLES = "evaluation.json", "predictions.parquet"


def paths(to: Path) -> tuple[Path, Path]:
    """Returns where figures and samples go: `--to x.json` names the one and puts `x.parquet` beside it; anything else is a folder."""
    return (to, to.with_suffix(".parquet")) if to.suffix == ".json" else (to / FIGURES, to / SAMPLES)


def save(to: Path, figures: Mapping[str, Any], said: Predictions | Sequence[Scored] | None) -> None:
    """The figures come last: where they lie, the samples do too."""
    target, samples = paths(to)
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(said, Predictions):
        predictions.write(samples, said)
    elif said:
        write_documents(samples, said)
    partial = target.with_name(f".{target.name}.partial")
    partial.write_text(json.dumps({**figures, "predictions": samples.name if said else None}, indent=1, ensure_ascii=False) + "\n")
    partial.replace(target)


def write_documents(path: Path, scored: Sequence[Scored]) -> None:
    every = [documents.columns(found) for found in scored]
    joined = {name: [value for each in every for value in each[name]] for name in every[0]}
    stored.write(path, joined, {"kind": documents.KIND, "split": scored[0].split})
