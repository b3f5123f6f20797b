"""The verb `train`: a stage, or a whole run of stages, in one folder; started again it goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from trainer import config
from trainer.catalog import load
from trainer.events import FILE_NAME, EventLog, Tell, events_in
from trainer.failures import explain
from trainer.narration import Narrator
from trainer.problems import check_stage

DONE, FAILED, BAD_INPUT, STOPPED = 0, 1, 2, 3


def train(folder: Path, datasets: Sequence[Path], stop_asked: Callable[[], bool], doorbell: int | None = None) -> int:
    """Returns the exit status. Raises ValueError (pydantic's included) for what the user gave.

    `doorbell` is a file descriptor that gets a byte after each flush of events.
    """
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} has no config.json")
    tell = Narrator().tell
    events = EventLog(folder, doorbell, tell)
    try:
        document = read_config(folder)
        if document.tensorboard:
            events.close()
            events = mirrored(folder, doorbell, tell)
        return train_all(document, folder, events, datasets, stop_asked)
    except Exception as error:
        message, reason = explain(error)
        events.emit("failed", message=message, reason=reason)
        raise
    finally:
        events.close()


def mirrored(folder: Path, doorbell: int | None, tell: Tell) -> EventLog:
    from trainer.tensorboard import MirroredLog

    return MirroredLog(folder, doorbell, tell)


def read_config(folder: Path) -> config.Run | config.StageJob:
    try:
        document = json.loads((folder / "config.json").read_text())
    except ValueError as error:
        raise ValueError(f"config.json is not JSON: {error}") from error
    found = config.parse(document)
    if isinstance(found, config.QuantizationJob):
        raise ValueError("config.json describes a quantization: use the verb `quantize`")
    if isinstance(found, config.EvaluationJob):
        raise ValueError("config.json describes an evaluation: use the verb `evaluate`")
    return found


def train_all(
    document: config.Run | config.StageJob, folder: Path, events: EventLog, datasets: Sequence[Path], stop_asked: Callable[[], bool]
) -> int:
    refuse(document, folder, datasets)
    for job in jobs(document, folder):
        # Said before torch is imported, which takes seconds.
        events.emit("preparing", stage=job.index, what="loading libraries, data and model")
        from trainer.stage import train_stage

        if train_stage(job, folder, events, datasets, stop_asked) is None:
            return STOPPED
    return DONE


def refuse(document: config.Run | config.StageJob, folder: Path, datasets: Sequence[Path]) -> None:
    """Raises ValueError: that the last stage is wrong is better known before the first is trained."""
    if isinstance(document, config.Run):
        cards, done = load(datasets), finished(folder)
        left = [(index, stage) for index, stage in enumerate(document.stages) if index + 1 not in done]
        found = [each for index, stage in left for each in check_stage(stage, index, cards, document.model)]
        if bad := [str(each) for each in found if each.blocks]:
            raise ValueError("; ".join(bad))


def jobs(document: config.Run | config.StageJob, folder: Path) -> Iterator[config.StageJob]:
    """A stage's job as it is; of a run the stages that have not finished yet, each on top of the one before."""
    if isinstance(document, config.StageJob):
        yield document
        return
    for index, stage in enumerate(document.stages, 1):
        done = finished(folder)
        if index not in done:
            yield config.StageJob(
                model=document.model,
                stage=stage,
                index=index,
                is_last=index == len(document.stages),
                num_threads=document.num_threads,
                watched=document.watched,
                tensorboard=document.tensorboard,
                parent=str(done[index - 1]) if index > 1 else None,
            )


def finished(folder: Path) -> dict[int, Path]:
    """Returns the final checkpoint of each stage that has said it is finished."""
    return {event["stage"]: folder / event["checkpoint"] for event in events_in(folder / FILE_NAME) if event["kind"] == "finished"}
