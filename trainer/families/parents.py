"""What a stage may start from: the checkpoint of a stage with the very same model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer import checkpoint
from trainer.config import StageJob
from trainer.manifest import verify


def parent_of(job: StageJob) -> Path | None:
    """Returns the checkpoint folder, whole and of this model. Raises Damaged, or ValueError naming the stage and what differs."""
    if not job.parent:
        return None
    folder = Path(job.parent)
    verify(folder)
    there, here = checkpoint.document(folder, "config")["model"], job.model.model_dump(mode="json")
    if differing := next(differences(there, here, "model"), None):
        name, one, other = differing
        raise ValueError(f"stages.{job.index - 1}.parent: {name} is {one!r} in {folder.name}, and {other!r} here")
    return folder


def differences(there: Mapping[str, Any], here: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any, Any]]:
    for name, value in here.items():
        other = there.get(name, value)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            yield from differences(other, value, f"{place}.{name}")
        elif other != value:
            yield f"{place}.{name}", other, value
