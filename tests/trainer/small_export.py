"""Small trained models as export folders, made in seconds, for the tests of what is served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.trainer import small
from trainer.export import export_folder
from trainer.train import train


def exported(folder: Path, **model: Any) -> Path:
    """Trains ten steps on random pairs and returns the export folder; `model` are changes to the small model."""
    datasets, run = small.write_pairs(folder / "datasets"), folder / "run"
    run.mkdir()
    (run / "config.json").write_text(json.dumps(small.job() | {"model": small.MODEL | model}))
    assert train(run, [datasets], lambda: False) == 0
    export_folder(run, folder / "export")
    return folder / "export"
