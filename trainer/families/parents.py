"""What a stage may start from: the checkpoint of a stage with the very same model."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from trainer import checkpoint
from trainer.config import Model, StageJob
from trainer.differences import differences
from trainer.manifest import verify


def parent_of(job: StageJob) -> Path | None:
    """Returns the checkpoint folder, whole and of this model. Raises Damaged, or ValueError naming the stage and what differs."""
    if not job.parent:
        return None
    folder = Path(job.parent)
    verify(folder)
    there, here = (model.model_dump(mode="json") for model in (model_of(folder), job.model))
    if differing := next(differences(there, here, ("model",)), None):
        path, one, other = differing
        name = ".".join(map(str, path))
        raise ValueError(f"stages.{job.index - 1}.parent: {name} is {one!r} in {folder.name}, and {other!r} here")
    return folder


def model_of(folder: Path) -> Model:
    """Returns the model as this version reads it: a field that an older one did not know has its default."""
    found: Model = TypeAdapter(Model).validate_python(checkpoint.document(folder, "config")["model"])
    return found
