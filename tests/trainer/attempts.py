"""Starts trainings that are ended by a signal at a set moment, and reads what they left."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from trainer.events import FILE_NAME

ROOT = Path(__file__).parents[2]
Death = tuple[int, str, int]
ENVIRONMENT = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}


class Attempts:
    """Speaks to one `forker`."""

    def __init__(self, log: Path) -> None:
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.trainer.forker"],
                cwd=ROOT,
                env=ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )

    def train(self, folder: Path, datasets: Path, death: Death | None = None) -> int:
        """Returns the exit status, negative for the signal that ended it."""
        assert self.process.stdin
        assert self.process.stdout
        order = {"arguments": ["train", str(folder), "--datasets", str(datasets)], "death": death}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


def new_folder(folder: Path, config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def events_of(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in (folder / FILE_NAME).read_text().splitlines()]
    return [event for event in events if kind in (None, event["kind"])]


def digest_of(folder: Path, checkpoint: str, file: str = "model.safetensors") -> str:
    return hashlib.sha256((folder / "checkpoints" / checkpoint / file).read_bytes()).hexdigest()
