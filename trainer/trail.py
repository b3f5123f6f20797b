"""The trail of a stage: its checkpoints over all its attempts, where it goes on from or back to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from trainer import checkpoint
from trainer.config import StageJob
from trainer.events import EventLog
from trainer.manifest import Damaged, verify


def trail(job: StageJob, folder: Path) -> Iterator[Path]:
    """Yields the folder's own checkpoints of the stage, the newest first, then those of the attempts that it goes on from."""
    yield from checkpoint.of_stage(folder / "checkpoints", job.index)
    resume, walked = job.resume, {folder.resolve()}
    while resume and (earlier := Path(resume).resolve().parents[1]) not in walked:
        yield from siblings(Path(resume))
        walked.add(earlier)
        resume = resumed_by(earlier)


def siblings(named: Path) -> list[Path]:
    """The named checkpoint, then the older ones beside it."""
    found = checkpoint.NAME.match(named.name)
    assert found, f"{named} is no name of a checkpoint"
    stage, step = int(found[1]), int(found[2])
    return [named, *(path for path in checkpoint.of_stage(named.parent, stage) if checkpoint.step_of(path) < step)]


def resumed_by(folder: Path) -> str | None:
    """Returns the checkpoint that an earlier attempt went on from itself."""
    config = folder / "config.json"
    return json.loads(config.read_text()).get("resume") if config.is_file() else None


def regular(job: StageJob, folder: Path, before: int) -> Iterator[Path]:
    """Yields those that the stage would also have had without a stop, of steps smaller than `before`."""
    for path in trail(job, folder):
        step = checkpoint.step_of(path)
        if step < before and checkpoint.is_regular(step, job.stage.checkpoint_interval):
            yield path


def first_whole(candidates: Iterable[Path], stage: int, events: EventLog) -> Path | None:
    """Returns the first that is as it was saved, and warns of those before it."""
    for candidate in candidates:
        try:
            verify(candidate)
        except Damaged as damage:
            events.emit("warned", stage=stage, message=f"{damage}; an earlier checkpoint is used")
        else:
            return candidate
    return None
