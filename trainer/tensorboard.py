"""TensorBoard event files beside our own events, for those who look at runs with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter

from trainer.events import EventLog, Tell, decode

FOLDER = "tensorboard"


class MirroredLog(EventLog):
    """An event log whose metrics are written to `tensorboard/stage-<index>/` too; its own file stays the truth.

    A resumed stage writes a further file from its first step on: of points that two files have, TensorBoard shows the newer.
    """

    def __init__(self, folder: Path, doorbell: int | None = None, tell: Tell | None = None) -> None:
        super().__init__(folder, doorbell, tell)
        self.folder = folder / FOLDER
        self.writers: dict[int, SummaryWriter] = {}

    def emit(self, kind: str, **fields: Any) -> None:
        super().emit(kind, **fields)
        if kind in ("stepped", "evaluated"):
            self.mirror(fields["stage"], fields["step"], fields["metrics"])

    def mirror(self, stage: int, step: int, metrics: Mapping[str, float | str]) -> None:
        if stage not in self.writers:
            self.writers[stage] = SummaryWriter(str(self.folder / f"stage-{stage}"), purge_step=step)
        for name, value in metrics.items():
            self.writers[stage].add_scalar(name, decode(value), step)

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()
        super().close()
