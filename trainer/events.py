"""The trainer's only output beside its checkpoints: `events.jsonl`, one JSON object a line, appended and never changed.

Kinds and their fields (all but the first three belong to a stage and carry `stage`, its index from 1):

- `preparing`  what (sentence)
- `warned`     message
- `failed`     message, reason (bad_input, out_of_memory, no_space, not_a_number, error)
- `started`    num_steps, first_step (the next to be made), resumed_from (step or null), device, num_threads,
               num_parameters, num_trainable
- `stepped`    step, metrics
- `skipped`    step, message, sources (data sets), last_good (step of a checkpoint, or null): the step was no number and changed nothing
- `went_back`  the same: the weights are those of that checkpoint again, the data goes on
- `evaluated`  step, split (validation or test), metrics
- `drawn`      step, sources: a list of {task, dataset, asked, seen, num_samples, num_tokens, epochs}; shares of 1
- `routed`     step, loads: per layer the share of the tokens of each expert
- `watched`    step, losses (data set -> validation loss), baseline (data set -> loss of a unigram model of the tokens that are asked for)
- `saved`      step, checkpoint (path relative to the folder), size_bytes, is_final
- `stopped`    step, checkpoint
- `finished`   step, checkpoint, results (metric -> number)
- `measured`   precision, runtime, size_bytes, latency_ms_p50, latency_ms_p99, throughput_per_s, accuracy, macro_f1, num_samples
- `exported`   files (name -> path relative to the folder)
"""

from __future__ import annotations

import errno
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILE_NAME = "events.jsonl"

LOSS = "train/loss"
LEARNING_RATE = "train/learning_rate"
GRAD_NORM = "train/grad_norm"
SAMPLES_PER_SECOND = "train/samples_per_second"
TASK_WEIGHT = "train/weight"
DIFFICULTY = "train/difficulty"  # of what a curriculum drew, in deviations from the mean of its source
VALIDATION_LOSS = "validation/loss"
VALIDATION_ACCURACY = "validation/accuracy"

NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(value: float) -> float | str:
    """JSON has no NaN and no infinity: they travel as the strings "nan", "inf" and "-inf"."""
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def decode(value: float | str) -> float:
    return NOT_FINITE[value] if isinstance(value, str) else float(value)


class EventLog:
    """Appends events to a folder's `events.jsonl`; `seq` goes on where the file ended, a torn last line is cut off."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self.seq = cut_torn_tail(self.path)
        self.file = self.path.open("ab", buffering=0)

    def emit(self, kind: str, **fields: Any) -> None:
        """Writes one event. Numbers in `metrics`, `results`, `losses` and `baseline` may be NaN and infinity."""
        for name in ("metrics", "results", "losses", "baseline"):
            if name in fields:
                fields[name] = {metric: encode(value) for metric, value in fields[name].items()}
        event = {"seq": self.seq + 1, "at": time.time(), "kind": kind, **fields}
        self._append(json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n")
        self.seq += 1

    def _append(self, line: bytes) -> None:
        """A full disk may take a part of the line: that part is cut off again, for another line may follow."""
        before = self.file.tell()
        if self.file.write(line) < len(line):
            self.file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def close(self) -> None:
        os.fsync(self.file.fileno())
        self.file.close()


def cut_torn_tail(path: Path) -> int:
    """Cuts off a last line that was not written whole; returns the `seq` of the last event, 0 for a new file."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    lines = data[:whole].splitlines()
    return int(json.loads(lines[-1])["seq"]) if lines else 0


def read_from(path: Path, offset: int, max_bytes: int = -1) -> tuple[list[dict[str, Any]], int]:
    """Returns the whole events after a byte offset (of the next `max_bytes` at most), and the offset behind the last of them."""
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(max_bytes)
    whole = data.rfind(b"\n") + 1
    return [json.loads(line) for line in data[:whole].splitlines()], offset + whole


def metrics_of(event: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in event.get("metrics", {}).items():
        yield name, decode(value)
